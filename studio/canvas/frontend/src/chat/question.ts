// A question of a run to a person: what to look at, and the answer to give, by what kind of answer is wanted. One
// drawing for the chat, the page of `patchbay serve` and the canvas's dock, so without React.

import { date } from "../ago";
import type { TableValue } from "../asked";
import { parseLenient } from "../dock/lenient_json";
import type { Json } from "../model";
import type { Question, Wants } from "./caller";
import { differenceElement } from "./difference";
import { button, labelled, made, wordsOfError } from "./parts";
import { formWay } from "./question_form";
import { tableWay } from "./question_table";

/** Choices up to which each is a button of its own. */
const BUTTONS = 6;

/** Sends an answer in the shape of the server's (`GivenReply`). Throws where it was not taken. */
export type Give = (answer: Record<string, Json>) => Promise<void>;
/** Draws what is asked about; null where there is nothing to look at. */
export type Look = () => HTMLElement | null;

export function questionElement(asked: Question, give: Give, look: Look): HTMLElement {
  const root = made("section", { class: "pb-asks", label: asked.title });
  root.dataset.question = asked.question;
  const whom = asked.whom ? [made("span", { class: "soft", text: ` for ${asked.whom}` })] : [];
  root.append(made("p", {}, made("b", { text: asked.title }), ...whom));
  if (asked.until) {
    root.append(made("p", { class: "soft", text: `Answered until ${date(asked.until, true)}, or it is too late.` }));
  }
  const seen = asked.wants.kind === "edit" || asked.wrong ? null : look();
  const fields = made("fieldset");
  root.append(...(seen ? [seen] : []), fields);
  const trying: Give = async (answer) => {
    say(fields, "");
    fields.disabled = true;
    try {
      await give({ question: asked.question, ...answer });
    } catch (error) {
      say(fields, wordsOfError(error));
    } finally {
      fields.disabled = false;
    }
  };
  fields.addEventListener("input", () => say(fields, ""));
  const way = WAYS[asked.wants.kind];
  if (asked.wrong) say(fields, asked.wrong);
  else if (way) way(fields, asked, trying);
  else say(fields, "This page does not know how to answer this. Reload it.");
  return root;
}

/** What stands in place of a question that is answered. */
export function answered(root: HTMLElement, words = "Answered."): void {
  const title = root.getAttribute("aria-label") ?? "";
  root.replaceChildren(made("b", { text: title }), made("p", { class: "soft", text: words }));
}

/** Say what is wrong with an answer, in place of what was said before; "" for nothing. */
function say(fields: HTMLElement, words: string): void {
  fields.querySelector(".bad")?.remove();
  if (!words) return;
  const said = made("p", { class: "bad", text: words });
  said.setAttribute("role", "alert");
  fields.append(said);
}

export type Way = (root: HTMLElement, asked: Question, give: Give) => void;
const WAYS: Record<Wants["kind"], Way> = {
  approval(root, _asked, give) {
    const why = made("input", { placeholder: "Why, if you like" });
    root.append(
      labelled("Comment", why),
      rowOf(
        button("Approve", () => void give({ approve: true, comment: why.value }), { class: "act" }),
        button("Reject", () => void give({ reject: why.value })),
      ),
    );
  },
  choice(root, { wants: { options = [] } }, give) {
    if (options.length <= BUTTONS)
      return root.append(rowOf(...options.map((text) => button(text, () => void give({ choose: text })))));
    const list = made("select", {}, made("option", { text: "Choose …", value: "" }));
    list.append(...options.map((text) => made("option", { text, value: text })));
    const send = button("Answer", () => void give({ choose: list.value }), { class: "act", disabled: true });
    list.addEventListener("change", () => (send.disabled = !list.value));
    root.append(labelled("Choice", list), rowOf(send));
  },
  edit(root, asked, give) {
    const { value, wants } = asked;
    if (wants.of === "table") return tableWay(root, value as unknown as TableValue, give);
    const plain = wants.of !== "json";
    const before = plain ? String(value ?? "") : JSON.stringify(value, null, 2);
    const { parts, row, box } = editor("The value", before, "Take it as it is", "Answer", (text) => {
      if (plain) return void give({ value: text });
      const read = parseLenient(text);
      say(root, read.error);
      if (!read.error) void give({ value: read.value });
    });
    box.rows = Math.min(14, Math.max(4, before.split("\n").length + 1));
    box.classList.toggle("code", !plain);
    root.append(...parts, row);
  },
  form: formWay,
  decision(root, { wants: { tool = "", arguments: given = {} } }, give) {
    const before = JSON.stringify(given, null, 2);
    const words = made("input", { placeholder: "Why not, or the result to give" });
    const { parts, row, box } = editor("Arguments", before, "Run it", "Run it with these", (text) => {
      if (text === before) return void give({ approve: true });
      const read = parseLenient(text);
      say(root, read.error);
      if (!read.error) void give({ value: { decision: "edit", arguments: read.value } });
    });
    box.classList.add("code");
    row.append(
      button("Reject", () => void give({ reject: words.value })),
      button("Answer for it", () => void give({ respond: words.value })),
    );
    root.append(
      made("p", {}, "Tool ", made("b", { text: tool })),
      ...parts,
      labelled("Words for the model", words),
      row,
    );
  },
};

const rowOf = (...buttons: HTMLElement[]): HTMLElement => made("div", { class: "row" }, ...buttons);

interface Editor {
  box: HTMLTextAreaElement;
  parts: HTMLElement[];
  row: HTMLElement;
}

/** A text to change, what is changed in it, and a row with a button that says whether it is. */
function editor(label: string, before: string, same: string, other: string, take: (text: string) => void): Editor {
  const box = made("textarea", { rows: 5, value: before });
  const changes = differenceElement();
  const go = button(same, () => take(box.value), { class: "act" });
  box.addEventListener("input", () => {
    go.textContent = box.value === before ? same : other;
    changes.show(before, box.value);
  });
  return { box, parts: [labelled(label, box), changes.root], row: rowOf(go) };
}
