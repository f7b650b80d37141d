// Params that are rows: lists of texts, names with a word each, and tables of small records.

import type { FieldSpec, Json, Schema } from "../model";
import { parseLenient, written } from "./lenient_json";

export type Cell = "choice" | "whole" | "number" | "switch" | "text" | "texts" | "json";
export type Row = Record<string, Json>;

/** The columns of a field and the schema of their cells. */
export const columnsOf = (spec: FieldSpec): Record<string, Schema> =>
  spec.columns && Object.keys(spec.columns).length ? spec.columns : { value: { type: "string" } };

export function cellKind(schema: Schema): Cell {
  if (schema.enum) return "choice";
  if (schema.type === "array" && schema.items?.type === "string" && !schema.items.enum) return "texts";
  const kinds: Record<string, Cell> = { integer: "whole", number: "number", boolean: "switch", string: "text" };
  return kinds[schema.type ?? ""] ?? "json";
}

const isRecord = (value: Json): value is Row => typeof value === "object" && value !== null && !Array.isArray(value);

/** The value as rows; null where it is not what it should be. */
export function rowsOf(spec: FieldSpec, value: Json | undefined): Row[] | null {
  if (value === null || value === undefined) return [];
  if (spec.shape === "mapping" && isRecord(value))
    return Object.entries(value).map(([name, type]): Row => ({ name, type }));
  if (Array.isArray(value)) {
    if (spec.shape === "list" && value.every((item) => typeof item === "string"))
      return value.map((item): Row => ({ value: item }));
    if (spec.shape === "table" && value.every(isRecord)) return value as Row[];
  }
  return null;
}

const missing = (cell: Json | undefined): boolean =>
  cell === null || cell === undefined || cell === "" || (Array.isArray(cell) && !cell.length);

/** The param that rows say, without rows in which nothing was filled in. */
export function valueOf(spec: FieldSpec, rows: Row[]): Json {
  if (spec.shape === "mapping") {
    const first = spec.columns?.type?.enum?.[0] ?? "any";
    return Object.fromEntries(
      rows.filter((row) => !missing(row.name)).map((row) => [String(row.name), missing(row.type) ? first : row.type]),
    );
  }
  if (spec.shape === "list") return rows.filter((row) => !missing(row.value)).map((row) => String(row.value));
  return rows.filter((row) => isFilled(spec, row)).map((row) => recordOf(spec, row));
}

/** Whether a person wrote something: a switch or a choice has a value from the beginning. */
function isFilled(spec: FieldSpec, row: Row): boolean {
  const columns = columnsOf(spec);
  const said = Object.keys(columns).filter((name) => !["switch", "choice"].includes(cellKind(columns[name])));
  return (said.length ? said : Object.keys(columns)).some((name) => !missing(row[name]));
}

const EMPTY: Partial<Record<Cell, Json>> = { text: "", switch: false, texts: [] };

/** One row as the param stores it. An empty cell that may be left out is left out. */
function recordOf(spec: FieldSpec, row: Row): Row {
  const record: Row = {};
  for (const [name, schema] of Object.entries(columnsOf(spec))) {
    const kind = cellKind(schema);
    const cell = row[name];
    if (!missing(cell)) record[name] = cell;
    else if (schema.optional) continue;
    else if (kind in EMPTY) record[name] = EMPTY[kind] as Json;
    else if (kind === "choice") record[name] = schema.enum?.[0] ?? null;
  }
  return record;
}

/** A new row: what its cells begin with. */
export function emptyRow(spec: FieldSpec): Row {
  const row: Row = {};
  for (const [name, schema] of Object.entries(columnsOf(spec))) {
    if (schema.default !== undefined && schema.default !== null) row[name] = schema.default;
    else if (cellKind(schema) === "choice" && !schema.optional) row[name] = schema.enum?.[0] ?? null;
  }
  return row;
}

/** How a cell stands in its field. */
export const cellText = (value: Json | undefined, kind: Cell): string =>
  kind === "texts" && Array.isArray(value)
    ? value.join("\n")
    : kind === "json"
      ? written(value)
      : missing(value)
        ? ""
        : String(value);

/** What a text in a cell means. A number that is none stays as it was typed, so that checking says so. */
export function cellValue(text: string, kind: Cell): Json {
  if (kind === "texts") return text.split("\n").filter(Boolean);
  if (kind === "json") return parseLenient(text).value ?? (text.trim() ? text : null);
  if (kind === "whole" || kind === "number") {
    if (!text.trim()) return null;
    const number = Number(text);
    return Number.isFinite(number) ? number : text;
  }
  return text;
}
