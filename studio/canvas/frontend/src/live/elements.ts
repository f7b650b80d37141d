// What an agent did, step by step, and texts that were found. All text is set with textContent:
// nothing that a flow or a model wrote can become markup.

import { scoreWords } from "../found";
import { duration } from "../duration";
import { Step } from "../progress";

export function el<K extends keyof HTMLElementTagNameMap>(tag: K, name = "", text?: string): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** What a step is called; a word that is not here is shown as it stands. */
const VERBS: Record<string, string> = {
  thought: "thinks",
  "tool call": "calls",
  "tool result": "gets back",
  delegation: "hands over",
  answer: "answers",
  note: "",
};
const TINTS = ["blue", "violet", "green", "orange", "red", "yellow"];
const LONG = 240;

function stepElement(step: Step, roles: string[]): HTMLElement {
  const who = step.who ?? "";
  if (who && !roles.includes(who)) roles.push(who);
  const made = el("div", `step is-${step.what.replace(" ", "-")}`);
  const tint = TINTS[roles.indexOf(who) % TINTS.length];
  if (who) made.style.setProperty("--who", `var(--st-${tint}-text-color, var(--st-primary-color))`);
  const head = el("div", "step-head");
  if (who) head.append(el("b", "who", who));
  const verb = VERBS[step.what] ?? step.what;
  if (verb) head.append(el("span", "verb", verb));
  if (step.tool) head.append(el("code", "tool", step.tool));
  const facts = [step.tokens ? `${step.tokens} tokens` : "", step.seconds == null ? "" : duration(step.seconds)].filter(
    Boolean,
  );
  head.append(el("span", "facts", facts.join(" · ")));
  made.append(head);
  if (step.text) made.append(step.what === "thought" ? thoughtElement(step.text) : textElement(step.text));
  return made;
}

/** What was thought on the way is no answer: folded however short, with its length. */
function thoughtElement(text: string): HTMLElement {
  const more = el("details", "said");
  const count = [...text].length.toLocaleString("en-US");
  more.append(el("summary", "", `${count} character${count === "1" ? "" : "s"}`), el("div", "", text));
  return more;
}

/** A text; a long one unfolds. */
function textElement(text: string): HTMLElement {
  if (text.length <= LONG) return el("div", "said", text);
  const more = el("details", "said");
  more.append(el("summary", "", `${text.slice(0, LONG).trimEnd()}…`), el("div", "", text));
  return more;
}

/** A text that was found: how well it matched (`share` of a full bar) and where it came from. */
export interface Found {
  n: number;
  text?: string;
  score?: number;
  share?: number;
  source?: string;
  more?: string;
}

export function foundElement(found: Found): HTMLElement {
  const made = el("div", "found");
  const head = el("div", "found-head");
  head.append(el("span", "number", `${found.n}`));
  if (found.score !== undefined) {
    const bar = el("span", "bar");
    const fill = el("span", "fill");
    fill.style.width = `${Math.round((found.share ?? 0) * 100)}%`;
    bar.append(fill);
    head.append(bar, el("span", "score", scoreWords(found.score)));
  }
  if (found.source) head.append(el("b", "source", found.source));
  made.append(head);
  if (found.more) made.append(el("div", "more", found.more));
  if (found.text) made.append(textElement(found.text));
  return made;
}

/** Adds what is new to an element that stays: what a person has unfolded stays unfolded. */
export function growTrace(root: HTMLElement, steps: Step[], roles: string[]): void {
  while (root.childElementCount > steps.length) root.lastChild?.remove();
  for (const step of steps.slice(root.childElementCount)) root.append(stepElement(step, roles));
}
