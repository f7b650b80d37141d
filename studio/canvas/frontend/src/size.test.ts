import { expect, test } from "vitest";
import table from "../../../../tests/fixtures/sizes.json";
import { sizeInWords } from "./size";

test.each(table as [number, string][])("%d bytes are %s, as in Python", (count, words) => {
  expect(sizeInWords(count)).toBe(words);
});
