import { expect, test } from "vitest";
import type { Variable } from "../model";
import { referenceIn, variableRows, variablesOf } from "./variables";

const VARIABLES: Variable[] = [
  { name: "language", value: "Danish", environments: { production: "German" } },
  { name: "most", value: 3 },
  { name: "code", value: "42" },
  { name: "shape", value: { a: [1, null] } },
  { name: "off", value: false },
  { name: "quoted", value: '"a"' },
];

test("rows are one for each value, and read back the same", () => {
  const rows = variableRows(VARIABLES);
  expect(rows.slice(0, 4)).toEqual([
    { name: "language", environment: "", value: "Danish" },
    { name: "language", environment: "production", value: "German" },
    { name: "most", environment: "", value: "3" },
    { name: "code", environment: "", value: '"42"' },
  ]);
  expect(variablesOf(rows)).toEqual(VARIABLES);
});

test("rows that are begun are no variables yet", () => {
  expect(variablesOf([{ name: null, value: "x" }, { name: " " }, {}])).toEqual([]);
  expect(variablesOf([{ name: "a" }])).toEqual([{ name: "a", value: "" }]);
});

test.each([
  [{ variable: "x" }, "x"],
  [{ variable: "x", more: 1 }, ""],
  [{ variable: 1 }, ""],
  ["x", ""],
  [null, ""],
  [["variable"], ""],
])("%j takes %j", (value, name) => {
  expect(referenceIn(value as never)).toBe(name);
});
