import { expect, test } from "vitest";
import { foundOf, sizeWords } from "./rows";

test("documents are told with their score, where they come from and what else is known", () => {
  const [first, second] = foundOf([
    { text: "Malmö", score: 1.24, metadata: { source: "/data/malmö.md", page: 2, heading: "Harbours", tags: ["a"] } },
    { text: "x".repeat(4001), score: 0.62 },
  ]);
  expect(first).toEqual({
    n: 1,
    text: "Malmö",
    score: 1.24,
    share: 1,
    source: "malmö.md, page 2",
    more: 'heading: Harbours, tags: ["a"]',
  });
  expect(second.share).toBe(0.5);
  expect(second.text).toHaveLength(4001); // 4,000 of them and an ellipsis
  expect(foundOf([{ text: "Plain" }])).toEqual([{ n: 1, text: "Plain" }]);
});

test("sizes are told in decimal units", () => {
  expect([0, 12, 999, 1200, 45_678, 3_400_000].map(sizeWords)).toEqual(
    ["0 B", "12 B", "999 B", "1.2 kB", "46 kB", "3.4 MB"], // prettier-ignore
  );
});
