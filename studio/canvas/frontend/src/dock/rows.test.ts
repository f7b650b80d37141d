import { expect, test } from "vitest";
import type { FieldSpec } from "../model";
import { type Row, cellKind, cellValue, columnsOf, emptyRow, rowsOf, valueOf } from "./rows";

const schema: FieldSpec = {
  name: "fields",
  label: "Fields",
  shape: "table",
  columns: {
    name: { type: "string", optional: false },
    kind: { type: "string", enum: ["text", "number"], default: "text", optional: true },
    required: { type: "boolean", default: true, optional: true },
    least: { type: "number", optional: true },
    choices: { type: "array", items: { type: "string" }, optional: true },
    shape: { type: "object", optional: true },
  },
};
const pairs: FieldSpec = {
  name: "pairs",
  label: "Pairs",
  shape: "table",
  columns: { a: { type: "string", optional: false }, b: { type: "string", optional: false } },
};
const list: FieldSpec = { name: "words", label: "Words", shape: "list" };
const mapping: FieldSpec = {
  name: "ports",
  label: "Ports",
  shape: "mapping",
  columns: { name: { type: "string" }, type: { type: "string", enum: ["any", "text"] } },
};

test("cells are what their schema says", () => {
  const kinds = Object.entries(columnsOf(schema)).map(([name, cell]) => [name, cellKind(cell)]);
  expect(Object.fromEntries(kinds)).toEqual({
    name: "text",
    kind: "choice",
    required: "switch",
    least: "number",
    choices: "texts",
    shape: "json",
  });
});

test("rows become records without what was left empty", () => {
  const rows: Row[] = [
    { name: "price", kind: "number", required: false, least: 0, choices: ["1", "2"] },
    { name: "note", kind: null, required: null, least: null, shape: { a: 1 } },
    { name: null, kind: "text", required: true, choices: [] },
  ];
  expect(valueOf(schema, rows)).toEqual([
    { name: "price", kind: "number", required: false, least: 0, choices: ["1", "2"] },
    { name: "note", shape: { a: 1 } },
  ]);
});

test("what must not be empty begins with something", () => {
  expect(valueOf(pairs, [{ a: "x", b: null }])).toEqual([{ a: "x", b: "" }]);
  expect(emptyRow(schema)).toEqual({ kind: "text", required: true });
});

test.each([
  [list, ["a", "b"], [{ value: "a" }, { value: "b" }]],
  [list, ["a", 1], null],
  [list, undefined, []],
  [pairs, [{ a: "x" }], [{ a: "x" }]],
  [pairs, [["x"]], null],
  [pairs, "text", null],
  [mapping, { q: "text" }, [{ name: "q", type: "text" }]],
  [mapping, ["q"], null],
])("%# a value as rows, or none where it is something else", (spec, value, rows) => {
  expect(rowsOf(spec, value as never)).toEqual(rows);
});

test("a name without a word gets the first; a list forgets what is empty", () => {
  expect(
    valueOf(mapping, [
      { name: "q", type: null },
      { name: "", type: "text" },
    ]),
  ).toEqual({ q: "any" });
  expect(valueOf(list, [{ value: "a" }, { value: "" }])).toEqual(["a"]);
});

test.each([
  ["1.50", "number", 1.5],
  ["1,5", "number", "1,5"],
  ["", "whole", null],
  ["a\n\nb", "texts", ["a", "b"]],
  ['{"a": 1}', "json", { a: 1 }],
  ["{", "json", "{"],
  [" x ", "text", " x "],
] as const)("%j as %s", (text, kind, value) => {
  expect(cellValue(text, kind)).toEqual(value);
});
