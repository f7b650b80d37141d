// What a person answers a run: a form from its JSON schema, the cells of a table.

import { textOf } from "./dock/kept";
import type { Json } from "./model";

/** A field of a form, as its JSON schema says it. */
export interface Field {
  type?: string;
  description?: string;
  default?: Json;
  enum?: Json[];
  const?: Json;
  anyOf?: Field[];
  items?: { type?: string };
}
export interface Schema {
  properties?: Record<string, Field>;
  required?: string[];
}

/** The type of a field that may be left out. */
export function inner(field: Field): Field {
  const kind = field.anyOf?.find((one) => one.type !== "null");
  return kind ? { ...field, ...kind } : field;
}

/** What a field is chosen from; null where it is typed. */
export const optionsOf = (field: Field): Json[] | null =>
  field.enum ?? (field.const !== undefined ? [field.const] : field.type === "boolean" ? [true, false] : null);

/** An option in words. */
export const said = (option: Json): string => (typeof option === "boolean" ? (option ? "yes" : "no") : String(option));

/** The value of what stands in a field: the place of an option, a number, a text, items one a line; null for nothing. */
export function meant(text: string, outer: Field): Json {
  const field = inner(outer);
  const options = optionsOf(field);
  if (options) return text === "" ? null : (options[Number(text)] ?? null);
  if (field.type === "array") {
    const lines = text
      .split("\n")
      .map((line) => line.trim())
      .filter(Boolean);
    const item = field.items?.type;
    return item === undefined || item === "string" ? lines : lines.map(jsonOr);
  }
  if (text === "") return null;
  return field.type === "integer" || field.type === "number" ? Number(text) : text;
}

export interface TableValue {
  columns: string[];
  rows: Json[][];
  [more: string]: unknown;
}

/** A cell stays the kind of value that it was, or that its column has. */
export function cellOf(text: string, was: Json | undefined, table: TableValue, column: number): Json {
  if (was !== undefined && text === textOf(was)) return was;
  const model = was ?? table.rows.map((row) => row[column]).find((value) => value !== null && value !== undefined);
  if (typeof model === "string" || model === undefined) return text;
  return text.trim() ? jsonOr(text) : null;
}

function jsonOr(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}
