// What a flow gave, as what it is: text, documents, pictures, tables, files, messages, numbers, JSON.

import type { Json } from "../model";
import { type Part, wordsElement } from "../live/words";
import { type Around, type Source, wordsOf } from "./caller";
import { button, made, plural, save, writeLight } from "./parts";
import { Sources } from "./sources";

const ROWS = 200;
const ITEMS = 50;
/** Characters of a text that are drawn; the rest is counted. */
const LONGEST = 200_000;
/** Formats that a browser shows without running anything. */
const SHOWN = /^image\/(png|jpeg|gif|webp)$/;

type Tagged = { $type?: string; [name: string]: Json | undefined };
const tag = (value: Json): string => (isObject(value) ? String((value as Tagged).$type ?? "") : "");
const isObject = (value: Json): value is { [name: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const allOf = (value: Json, name: string): boolean =>
  Array.isArray(value) && value.length > 0 && value.every((one) => tag(one) === name);

export function isDocuments(value: Json): boolean {
  return tag(value) === "document" || allOf(value, "document");
}

export const documentsIn = (value: Json): Source[] => (Array.isArray(value) ? value : [value]) as unknown as Source[];

/** A text with the form that Markdown gives it, as soon as it is known; what cites sources leads to them. */
export function textElement(around: Around, text: string, sources?: Sources | null, parts?: Part[]): HTMLElement {
  const place = made("div", { class: "text" });
  const shown = text.slice(0, LONGEST);
  const draw = (found: Part[]) => {
    const words = wordsElement(found);
    sources?.link(words, shown);
    place.replaceChildren(words);
    if (shown.length < text.length)
      place.append(
        made("p", { class: "soft", text: `${plural(text.length - shown.length, "more character")} are not shown.` }),
      );
  };
  if (parts) draw(parts);
  else {
    writeLight(place, shown);
    if (shown.trim()) void wordsOf(around, [shown]).then((found) => found?.[0] && draw(found[0]));
  }
  return place;
}

/** A value, drawn. `name` is what it is called, for those who cannot see it. */
export function valueElement(around: Around, value: Json, name: string, run = ""): HTMLElement {
  if (typeof value === "string") return textElement(around, value);
  if (isDocuments(value)) return new Sources(documentsIn(value).slice(0, ITEMS)).root;
  const files = filesIn(value);
  const shape = files ? "files" : tag(value);
  const drawn = around.draw?.(shape, value, name, run);
  if (drawn) return drawn;
  if (value === null) return made("p", { class: "soft", text: "Nothing." });
  if (typeof value === "number" || typeof value === "boolean") return made("p", {}, made("b", { text: String(value) }));
  if (tag(value) === "picture") return pictureElement(value as Tagged, name);
  if (tag(value) === "table") return tableElement(value as unknown as Table);
  if (tag(value) === "chart") return chartElement(value as Tagged);
  if (allOf(value, "message")) return messagesElement(around, value as unknown as Said[]);
  if (files) return filesElement(files);
  if (Array.isArray(value) && value.length && value.every((one) => typeof one === "string"))
    return made("ul", {}, ...value.slice(0, ITEMS).map((one) => made("li", { text: String(one) })));
  return made("pre", { class: "json", tabIndex: 0, text: JSON.stringify(value, null, 2).slice(0, LONGEST) });
}

function pictureElement(value: Tagged, name: string): HTMLElement {
  const media = String(value.media ?? "");
  if (!SHOWN.test(media)) return made("p", { class: "soft", text: `A picture of the type ${media} is not shown.` });
  return made("img", { alt: String(value.alt || name), src: `data:${media};base64,${String(value.data)}` });
}

interface Table {
  columns: string[];
  rows: Json[][];
  title?: string;
}

function tableElement({ columns, rows, title }: Table): HTMLElement {
  const table = made("table");
  if (title) table.append(made("caption", { text: title }));
  table.append(made("tr", {}, ...columns.map((column) => made("th", { text: column }))));
  for (const row of rows.slice(0, ROWS))
    table.append(made("tr", {}, ...row.map((one) => made("td", { text: cell(one) }))));
  const box = made("div", { class: "table", tabIndex: 0, label: title || "Table" }, table);
  box.setAttribute("role", "region");
  if (rows.length > ROWS)
    box.append(made("p", { class: "soft", text: `The first ${ROWS} of ${plural(rows.length, "row")}.` }));
  return box;
}

const cell = (value: Json): string =>
  value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);

/** The points of a chart, where nothing draws them: all of what it says. */
function chartElement(value: Tagged): HTMLElement {
  const rows = (value.rows ?? []) as unknown as Record<string, Json>[];
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const title = String(value.title ?? "");
  return tableElement({ title, columns, rows: rows.map((row) => columns.map((column) => row[column] ?? null)) });
}

interface Said {
  role: string;
  content: string;
  pictures?: Tagged[];
}

function messagesElement(around: Around, messages: Said[]): HTMLElement {
  const list = made("div", { class: "messages" });
  for (const { role, content, pictures = [] } of messages.slice(0, ITEMS)) {
    list.append(made("p", { class: "soft", text: role }), textElement(around, content));
    list.append(...pictures.map((one) => pictureElement(one, "Picture")));
  }
  if (messages.length > ITEMS)
    list.append(made("p", { class: "soft", text: `The first ${ITEMS} of ${plural(messages.length, "message")}.` }));
  return list;
}

/** Files as an agent gives them: texts by paths that begin with a slash. */
function filesIn(value: Json): [path: string, text: string][] | null {
  if (!isObject(value)) return null;
  const files = Object.entries(value);
  const good = files.length > 0 && files.every(([path, text]) => path.startsWith("/") && typeof text === "string");
  return good ? (files as [string, string][]) : null;
}

function filesElement(files: [path: string, text: string][]): HTMLElement {
  const list = made("ul", { class: "files", label: "Files" });
  for (const [path, text] of files.slice(0, ROWS)) {
    const fold = made("details", { class: "fold" });
    fold.append(made("summary", { text: path }), made("pre", { text: text.slice(0, LONGEST) }));
    const name = path.split("/").pop() || "file";
    list.append(
      made(
        "li",
        {},
        fold,
        button("Save", () => save(name, text), { label: `Save ${path}` }),
      ),
    );
  }
  if (files.length > ROWS)
    list.append(made("li", { class: "soft", text: `The first ${ROWS} of ${plural(files.length, "file")}.` }));
  return list;
}
