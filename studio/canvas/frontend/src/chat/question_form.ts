// A form that a person is asked to fill in, from its JSON schema. What it has by default stands in it.

import { type Field, inner, meant, optionsOf, said } from "../asked";
import type { Json } from "../model";
import { button, labelled, made } from "./parts";
import type { Way } from "./question";

export const formWay: Way = (root, { wants: { schema = {} } }, give) => {
  const fields = Object.entries(schema.properties ?? {}).map(([name, part]) => {
    const kind = inner(part);
    const box = boxOf(kind, part.default);
    const label = `${name}${schema.required?.includes(name) ? " *" : ""}${kind.type === "array" ? " (one a line)" : ""}`;
    const field = labelled(label, box);
    if (part.description) field.append(made("span", { class: "soft", text: part.description }));
    return { name, field, read: () => meant(box.value, part) };
  });
  const send = () => void give({ form: Object.fromEntries(fields.map(({ name, read }) => [name, read()])) });
  root.append(
    ...fields.map(({ field }) => field),
    made("div", { class: "row" }, button("Answer", send, { class: "act" })),
  );
};

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
  return made("textarea", { rows: 3, value: Array.isArray(first) ? first.join("\n") : "" });
}
