// The flow's variables as rows, and params that take one: flows/document/variables.py.

import type { FieldSpec, Json, Variable } from "../model";
import { parseLenient } from "./lenient_json";
import type { Row } from "./rows";

export const TABLE: FieldSpec = {
  name: "variables",
  label: "Variables",
  doc:
    "Values that settings take in place of one of their own. A row with an environment is the value there; " +
    "one without is the value elsewhere. Never secrets.",
  shape: "table",
  columns: {
    name: { type: "string", optional: false },
    environment: { type: "string", optional: false },
    value: { type: "string", optional: false },
  },
};

const read = (text: string): Json => {
  const { value, error } = parseLenient(text);
  return error || value === null ? text : value;
};

/** A text that would read as something else stands in quotes. */
const written = (value: Json): string => {
  if (typeof value !== "string") return JSON.stringify(value);
  return typeof read(value) === "string" && read(value) === value ? value : JSON.stringify(value);
};

/** One row for each value. */
export function variableRows(variables: Variable[]): Row[] {
  return variables.flatMap((one) => [
    { name: one.name, environment: "", value: written(one.value ?? null) },
    ...Object.entries(one.environments ?? {}).map(([environment, value]): Row => ({
      name: one.name,
      environment,
      value: written(value),
    })),
  ]);
}

/** The variables of such rows; rows without a name are none yet. */
export function variablesOf(rows: Row[]): Variable[] {
  const found = new Map<string, Variable>();
  for (const row of rows) {
    const name = String(row.name ?? "").trim();
    const where = String(row.environment ?? "").trim();
    if (!name) continue;
    const variable = found.get(name) ?? { name, value: "" };
    found.set(name, variable);
    const value = read(String(row.value ?? ""));
    if (where) variable.environments = { ...variable.environments, [where]: value };
    else variable.value = value;
  }
  return [...found.values()];
}

/** The name of the variable that a param takes; "" where it has a value of its own. */
export function referenceIn(value: Json | undefined): string {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "";
  const names = Object.keys(value);
  return names.length === 1 && typeof value.variable === "string" ? value.variable : "";
}
