import { expect, test } from "vitest";
import table from "../../../../tests/fixtures/durations.json";
import { duration } from "./duration";

test.each(table as [number, string][])("%d seconds are %s, as in Python", (seconds, words) => {
  expect(duration(seconds)).toBe(words);
});
