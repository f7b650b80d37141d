import { expect, test } from "vitest";
import type { FieldSpec } from "../model";
import { TOO_LARGE, isExact, parseLenient, written } from "./lenient_json";
import { emptied, sameJson, stepOf } from "./values";

test.each([
  ["3.5", 3.5],
  ["plain words", "plain words"],
  ["  ", null],
  ["[1, 2]", [1, 2]],
  ["NaN", "NaN"],
])("%j is JSON, or text where it does not look like it", (typed, value) => {
  expect(parseLenient(typed)).toEqual({ value, error: "" });
});

test.each(['{"a": }', "[1,", '"open'])("%j is neither", (typed) => {
  const { value, error } = parseLenient(typed);
  expect(value).toBe(null);
  expect(error).toContain("Not JSON");
});

test("numbers that a browser would change are refused, not changed", () => {
  expect(parseLenient('{"seed": 12345678901234567890}').error).toBe(TOO_LARGE);
  expect(isExact({ a: [2 ** 53] })).toBe(false);
  expect(isExact({ a: [2 ** 53 - 1, 0.1, "12345678901234567890", null] })).toBe(true);
});

test.each(["words", "12", "true", "", '"quoted"', "{"])("%j comes back from its field as the text it is", (text) => {
  const { value, error } = parseLenient(written(text));
  expect(text === "{" ? written(text) : value).toEqual(text === "{" ? '"{"' : text);
  expect(error).toBe("");
});

test("equal as JSON is", () => {
  expect(sameJson({ a: 1, b: [true] }, { b: [true], a: 1 })).toBe(true);
  expect(sameJson(1, true)).toBe(false);
  expect(sameJson([1], { 0: 1 })).toBe(false);
  expect(sameJson({ a: null }, {})).toBe(false);
  expect(sameJson(null, undefined)).toBe(false);
});

const field = (more: Partial<FieldSpec>): FieldSpec => ({ name: "n", label: "N", shape: "number", ...more });

test("an emptied field of numbers", () => {
  expect(emptied(field({ nullable: true, default: 4 }))).toBe(null);
  expect(emptied(field({ default: 4 }))).toBe(4);
});

test.each([
  [field({ shape: "integer", minimum: 0, maximum: 3 }), 1],
  [field({ minimum: 0, maximum: 2 }), 0.1],
  [field({ shape: "slider", minimum: 0, maximum: 1, default: 0.5 }), 0.01],
  [field({ shape: "slider", minimum: 0, maximum: 100, default: 50 }), 1],
  [field({}), 1],
])("%# steps", (spec, step) => {
  expect(stepOf(spec)).toBe(step);
});
