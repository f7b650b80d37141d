import { expect, test } from "vitest";
import { fileName, scoreWords } from "./found";

test("scores of fused ranks can be told apart", () => {
  expect([1, 0.0325, 0.0317].map(scoreWords)).toEqual(["1.000", "0.033", "0.032"]);
});

test("a file is called by its name", () => {
  expect(["/data/malmö.md", "C:\\texts\\bees.md", "bees.md", "https://example.org/", ""].map(fileName)).toEqual([
    "malmö.md",
    "bees.md",
    "bees.md",
    "https://example.org/",
    "",
  ]);
});
