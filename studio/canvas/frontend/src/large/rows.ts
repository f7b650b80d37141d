// Rows of a table that are shown: filtered, sorted, and as CSV. Nothing is drawn here.

import { fileName } from "../found";
import { textOf } from "../dock/kept";
import type { Found } from "../live/elements";
import type { Json } from "../model";
import type { Stored } from "./documents";

/** Characters of a text that was found that are shown. */
const TEXT = 4000;

export interface Order {
  column: number;
  down: boolean;
}

/** The rows in which every typed word stands somewhere. */
export function filtered(rows: Json[][], query: string): Json[][] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return rows;
  return rows.filter((row) => {
    const text = row.map(textOf).join("\n").toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** Numbers as numbers, texts as people sort them; what is empty comes last, whatever the order. */
export function sorted(rows: Json[][], order: Order | null): Json[][] {
  if (!order) return rows;
  const { column, down } = order;
  const compare = new Intl.Collator(undefined, { numeric: true }).compare;
  const turn = down ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [x, y] = [a[column] ?? null, b[column] ?? null];
    if (x === null || y === null) return x === y ? 0 : x === null ? 1 : -1;
    if (typeof x === "number" && typeof y === "number") return (x - y) * turn;
    return compare(textOf(x), textOf(y)) * turn;
  });
}

/** CSV by RFC 4180. A text that a spreadsheet would take for a formula is led by an apostrophe. */
export function csvOf(columns: string[], rows: Json[][]): string {
  const cell = (value: Json): string => {
    const raw = textOf(value);
    const text = typeof value === "string" && /^[=+\-@\t\r]/.test(raw) ? `'${raw}` : raw;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

/** Texts that were found, as `foundElement` draws them; a full bar is the best score, or 1. */
export function foundOf(documents: Stored[]): Found[] {
  const full = Math.max(1, ...documents.map((one) => one.score ?? 0));
  return documents.map(({ number, text = "", score, metadata = {} }, i) => {
    const { source, page, ...others } = metadata;
    const name = fileName(String(source ?? ""));
    const more = Object.entries(others).map(([key, value]) => `${key}: ${textOf(value)}`);
    return {
      n: number ?? i + 1,
      text: text.length > TEXT ? `${text.slice(0, TEXT)}…` : text,
      ...(typeof score === "number" && { score, share: Math.min(1, Math.max(0, score / full)) }),
      ...(name && { source: page === undefined || page === null ? name : `${name}, page ${textOf(page)}` }),
      ...(more.length > 0 && { more: more.join(", ") }),
    };
  });
}
