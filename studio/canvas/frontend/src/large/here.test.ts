import { expect, test } from "vitest";
import { foundOf } from "./rows";

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
