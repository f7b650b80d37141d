// JSON that people type, where plain text will do as well: the rules of studio/lenient_json.py.

import type { Json } from "../model";

export const TOO_LARGE = "A whole number of more than 15 digits cannot be written here exactly. Change it in the file.";

/** Whether a browser holds all numbers of a value as they were written. */
export function isExact(value: Json | undefined): boolean {
  if (typeof value === "number") return !Number.isInteger(value) || Number.isSafeInteger(value);
  return typeof value !== "object" || value === null || Object.values(value).every(isExact);
}

/** What was typed as JSON, or as text where it does not look like JSON. And what is wrong. */
export function parseLenient(typed: string): { value: Json; error: string } {
  const text = typed.trim();
  if (!text) return { value: null, error: "" };
  try {
    const value = JSON.parse(text) as Json;
    return isExact(value) ? { value, error: "" } : { value: null, error: TOO_LARGE };
  } catch (error) {
    if ('{["'.includes(text[0])) return { value: null, error: `Not JSON: ${(error as Error).message}` };
    return { value: typed, error: "" };
  }
}

/** How a value stands in a field for JSON. */
export function written(value: Json | undefined): string {
  if (value === null || value === undefined) return "";
  if (typeof value !== "string") return JSON.stringify(value, null, 2);
  return parseLenient(value).value === value ? value : JSON.stringify(value);
}
