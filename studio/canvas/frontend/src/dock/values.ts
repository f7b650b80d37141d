// Values of fields: what stands in a field for a value, and what a field means.

import type { FieldSpec, Json } from "../model";

/** Equal as JSON is: the order of names in an object does not count, and 1 is not true. */
export function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || !a || !b) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [a as Record<string, Json>, b as Record<string, Json>];
  const names = Object.keys(left);
  return (
    names.length === Object.keys(right).length &&
    names.every((name) => name in right && sameJson(left[name], right[name]))
  );
}

/** What an emptied field of numbers means: nothing where that is allowed, else the default. */
export const emptied = (spec: FieldSpec): Json => (spec.nullable ? null : (spec.default ?? null));

/** The step of a number's arrows. */
export function stepOf(spec: FieldSpec): number {
  if (spec.shape === "integer") return 1;
  const { minimum, maximum } = spec;
  if (minimum === undefined || maximum === undefined) return 1;
  const width = maximum - minimum;
  const whole = [minimum, maximum, spec.default].every((n) => Number.isInteger(n));
  if (spec.shape === "slider") return whole && width > 5 ? 1 : width <= 1 ? 0.01 : width <= 5 ? 0.05 : 1;
  return width <= 5 ? 0.1 : 1;
}
