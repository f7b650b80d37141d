// Small elements of the chat. All text is set with textContent: nothing that anybody wrote can become markup.

import { type Around, type Problem, Refusal } from "./caller";
import { type Drawing, drawn } from "./drawings";

interface Options {
  class?: string;
  text?: string;
  title?: string;
  label?: string;
  press?: (event: MouseEvent) => void;
  [attribute: string]: unknown;
}

/** An element with its attributes and what is in it. */
export function made<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  options: Options = {},
  ...inner: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const { class: name, text, label, press, ...rest } = options;
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text !== undefined) element.textContent = text;
  if (label !== undefined) element.setAttribute("aria-label", label);
  if (press) element.addEventListener("click", press as EventListener);
  Object.assign(element, rest);
  element.append(...inner);
  return element;
}

export const button = (text: string, press: () => void, more: Options = {}): HTMLButtonElement =>
  made("button", { type: "button", text, press, ...more });

/** A field below its label. */
export const labelled = (text: string, box: HTMLElement): HTMLLabelElement => made("label", {}, text, box);

/** A button that shows a sign only. */
export function sign(mark: Drawing, name: string, press: () => void, more: Options = {}): HTMLButtonElement {
  const shown = button("", press, { title: name, label: name, class: "sign", ...more });
  shown.append(drawn(mark));
  return shown;
}

/** Text as paragraphs, code and bold, while it streams: what Markdown makes of the whole comes later. */
export function writeLight(place: HTMLElement, text: string): void {
  place.replaceChildren();
  text.split(/```[^\n]*\n?/).forEach((part, number) => {
    if (number % 2) return place.append(made("pre", {}, made("code", { text: part })));
    for (const block of part.split(/\n{2,}/).filter((one) => one.trim())) {
      const pieces = block.trim().split(/(`[^`\n]+`|\*\*[^*\n]+\*\*)/);
      place.append(made("p", {}, ...pieces.map(piece)));
    }
  });
}

function piece(text: string): Node | string {
  if (/^`.+`$/.test(text)) return made("code", { text: text.slice(1, -1) });
  if (/^\*\*.+\*\*$/.test(text)) return made("b", { text: text.slice(2, -2) });
  return text;
}

/** What went wrong, each reason with its fix and the way to its place. */
export function refusalElement(around: Around, error: unknown): HTMLElement {
  const problems: Problem[] = error instanceof Refusal ? error.problems : [{ message: wordsOfError(error) }];
  const box = made("div", { class: "bad" });
  box.setAttribute("role", "alert");
  const spoken = around.spoken ?? ((text: string) => text);
  for (const one of problems.slice(0, 8)) {
    const node = one.node ?? "";
    const place = [around.titleOf?.(node) ?? node, one.param ?? one.port].filter(Boolean).join(" · ");
    const row = made("p", {}, ...(place ? [made("b", { text: place }), " "] : []), spoken(one.message));
    if (one.fix) row.append(" ", made("span", { text: spoken(one.fix) }));
    if (node && around.show)
      row.append(
        " ",
        button("Show the node", () => around.show?.(node), { class: "link" }),
      );
    box.append(row);
  }
  return box;
}

export const wordsOfError = (error: unknown): string =>
  error instanceof Error && error.message ? error.message : "Something went wrong. Reload the page.";

/** Save a text as a file. */
export function save(name: string, text: string, media = "text/plain"): void {
  const address = URL.createObjectURL(new Blob([text], { type: media }));
  const link = made("a", { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** `1 step`, `3 steps`. */
export const plural = (count: number, noun: string): string =>
  `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;
