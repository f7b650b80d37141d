// A question of a run to a person: what to look at, and the answer to give, by what kind of answer is wanted.

import { diffLines } from "diff";
import { type Field, type TableValue, cellOf, inner, meant, optionsOf, said } from "../asked";
import { textOf } from "../dock/kept";
import type { Json } from "../model";
import { type Around, type Question, type Wants } from "./caller";
import { button, made, wordsOfError } from "./parts";
import { valueElement } from "./value";

/** Choices up to which each is a button of its own. */
const BUTTONS = 6;

/** Sends an answer in the shape of the server's (`GivenReply`). Throws where it was not taken. */
export type Give = (answer: Record<string, unknown>) => Promise<void>;

export function questionElement(around: Around, asked: Question, give: Give): HTMLElement {
  const root = made("section", { class: "asks", label: asked.title });
  root.dataset.question = asked.question;
  const title = made("b", { text: asked.title });
  root.append(
    made("p", {}, title, ...(asked.whom ? [made("span", { class: "soft", text: ` for ${asked.whom}` })] : [])),
  );
  if (asked.until) {
    const until = new Date(asked.until * 1000).toLocaleString();
    root.append(made("p", { class: "soft", text: `Answered until ${until}, or it is too late.` }));
  }
  if (asked.value !== null && asked.wants.kind !== "edit") root.append(valueElement(around, asked.value, asked.title));
  const trying: Give = async (answer) => {
    root.querySelector(".bad")?.remove();
    const fields = [...root.querySelectorAll<HTMLButtonElement>("button")];
    for (const one of fields) one.disabled = true;
    try {
      await give({ question: asked.question, ...answer });
    } catch (error) {
      const said = made("p", { class: "bad", text: wordsOfError(error) });
      said.setAttribute("role", "alert");
      root.append(said);
    } finally {
      for (const one of fields) one.disabled = false;
    }
  };
  const way = WAYS[asked.wants.kind];
  if (way) way(root, asked, trying);
  else root.append(made("p", { class: "bad", text: "This page does not know how to answer this. Reload it." }));
  return root;
}

/** What stands in place of a question that is answered. */
export function answered(root: HTMLElement, words = "Answered."): void {
  const title = root.getAttribute("aria-label") ?? "";
  root.replaceChildren(made("b", { text: title }), made("p", { class: "soft", text: words }));
}

type Way = (root: HTMLElement, asked: Question, give: Give) => void;
const WAYS: Record<Wants["kind"], Way> = {
  approval(root, _asked, give) {
    const why = made("input", { placeholder: "A comment, if you like", label: "Comment" });
    const row = made("div", { class: "row" });
    row.append(button("Approve", () => void give({ approve: true, comment: why.value }), { class: "act" }));
    row.append(button("Reject", () => void give({ reject: why.value })));
    root.append(why, row);
  },
  choice(root, { wants: { options = [] } }, give) {
    const row = made("div", { class: "row" });
    if (options.length > BUTTONS) {
      const list = made("select", { label: "Choice" }, made("option", { text: "Choose …", value: "" }));
      list.append(...options.map((text) => made("option", { text, value: text })));
      row.append(
        list,
        button("Answer", () => void (list.value && give({ choose: list.value })), { class: "act" }),
      );
    } else row.append(...options.map((text) => button(text, () => void give({ choose: text }))));
    root.append(row);
  },
  edit(root, { value, wants }, give) {
    if (wants.of === "table") return editTable(root, value as unknown as TableValue, give);
    const plain = wants.of !== "json";
    const before = plain ? String(value ?? "") : JSON.stringify(value, null, 2);
    const read = (text: string): Json => (plain ? text : (JSON.parse(text) as Json));
    const box = editor(root, "The value", before, "Take it as it is", "Answer", (text) => give({ value: read(text) }));
    box.rows = Math.min(14, Math.max(4, before.split("\n").length + 1));
  },
  form(root, { wants: { schema = {} } }, give) {
    const parts = Object.entries(schema.properties ?? {});
    const fields = parts.map(([name, part]) => fieldOf(name, part, (schema.required ?? []).includes(name)));
    const send = () => {
      const form = Object.fromEntries(parts.map(([name], i) => [name, fields[i].read()]));
      void give({ form });
    };
    root.append(
      ...fields.map(({ root: field }) => field),
      made("div", { class: "row" }, button("Answer", send, { class: "act" })),
    );
  },
  decision(root, { wants: { tool = "", arguments: given = {} } }, give) {
    root.append(made("p", {}, "Tool ", made("code", { text: tool })));
    const before = JSON.stringify(given, null, 2);
    const words = made("input", { placeholder: "Why not, or the result to give", label: "Words for the model" });
    const run = (text: string) => give(text === before ? { approve: true } : { value: JSON.parse(text) as Json });
    editor(root, "Arguments", before, "Run it", "Run it with these", run);
    const row = root.lastElementChild!;
    row.before(words);
    row.append(button("Reject", () => void give({ reject: words.value })));
    row.append(button("Answer for it", () => void give({ respond: words.value })));
  },
};

/** A text to change, what is changed in it, and a button that says whether it is. */
function editor(
  root: HTMLElement,
  label: string,
  before: string,
  same: string,
  other: string,
  take: (text: string) => Promise<void>,
): HTMLTextAreaElement {
  const box = made("textarea", { rows: 5, value: before, label });
  const changes = made("pre", { class: "diff", hidden: true, label: "What you change" });
  const send = async () => {
    root.querySelector(".wrong")?.remove();
    try {
      await take(box.value);
    } catch (error) {
      const said = made("p", { class: "bad wrong", text: `This is not JSON: ${wordsOfError(error)}` });
      said.setAttribute("role", "alert");
      root.append(said);
    }
  };
  const go = button(same, () => void send(), { class: "act" });
  box.addEventListener("input", () => {
    go.textContent = box.value === before ? same : other;
    showDifference(changes, before, box.value);
  });
  root.append(box, changes, made("div", { class: "row" }, go));
  return box;
}

function showDifference(place: HTMLElement, before: string, after: string): void {
  place.hidden = before === after;
  if (place.hidden) return place.replaceChildren();
  const parts = diffLines(before, after).filter((part) => part.added || part.removed);
  const lines = parts.flatMap(({ added, value }) =>
    value
      .replace(/\n$/, "")
      .split("\n")
      .map((line) => made("div", { class: added ? "more" : "less", text: `${added ? "+" : "-"}${line}` })),
  );
  place.replaceChildren(...lines);
}

/** A table to change: cells, rows added and taken away. A cell stays the kind of value that it was. */
function editTable(root: HTMLElement, table: TableValue, give: Give): void {
  const body = made("tbody");
  const add = (row: Json[]) => {
    const cells = table.columns.map((name, i) => made("input", { value: textOf(row[i]), label: name }));
    const line = made("tr", {}, ...cells.map((one) => made("td", {}, one)));
    line.append(
      made(
        "td",
        {},
        button("✕", () => line.remove(), { class: "sign", label: "Remove the row" }),
      ),
    );
    body.append(line);
    return cells;
  };
  const was = new Map<HTMLElement, Json>();
  for (const row of table.rows) add(row).forEach((one, i) => was.set(one, row[i] ?? null));
  const head = made("tr", {}, ...table.columns.map((name) => made("th", { text: name })), made("th"));
  const box = made("div", { class: "table" }, made("table", {}, made("thead", {}, head), body));
  const send = () => {
    const rows = [...body.rows].map((line) =>
      [...line.querySelectorAll("input")].map((one, i) => cellOf(one.value, was.get(one), table, i)),
    );
    void give({ value: { ...table, rows } });
  };
  const row = made(
    "div",
    { class: "row" },
    button("Add a row", () => void add([])),
    button("Answer", send, { class: "act" }),
  );
  root.append(box, row);
}

// --- a form ---------------------------------------------------------------------------------------

function fieldOf(name: string, part: Field, needed: boolean): { root: HTMLElement; read: () => Json } {
  const box = boxOf(inner(part), part.default);
  const root = made("label", {}, `${name}${needed ? " *" : ""}`, box);
  if (part.description) root.append(made("span", { class: "soft", text: part.description }));
  return { root, read: () => meant(box.value, part) };
}

function boxOf(kind: Field, first: Json | undefined): HTMLSelectElement | HTMLInputElement | HTMLTextAreaElement {
  const options = optionsOf(kind);
  if (options) {
    const list = made("select", {}, made("option", { text: "", value: "" }));
    options.forEach((value, i) =>
      list.append(made("option", { text: said(value), value: String(i), selected: value === first })),
    );
    return list;
  }
  const value = first == null ? "" : String(first);
  if (kind.type === "integer" || kind.type === "number")
    return made("input", { type: "number", step: kind.type === "integer" ? "1" : "any", value });
  if (kind.type !== "array") return made("input", { value });
  const lines = Array.isArray(first) ? first.join("\n") : "";
  return made("textarea", { rows: 3, placeholder: "One a line", value: lines });
}
