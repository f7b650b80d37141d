import { expect, test } from "vitest";
import type { Point } from "./progress";
import { figure, lineOf, namesOf, seriesOf } from "./curve";

const points: Point[] = [
  { step: 1, loss: 2 },
  { step: 2, loss: 1, reward: 0 },
  { step: 3, loss: 1.5, reward: 1 },
];

test("the figures by name, each over the steps that have it", () => {
  expect(namesOf(points)).toEqual(["loss", "reward"]);
  expect(seriesOf(points, "reward")).toEqual([
    [2, 0],
    [3, 1],
  ]);
});

test("a line fills its box, the largest at the top", () => {
  expect(lineOf(seriesOf(points, "loss"), 100, 30)).toBe("0,0 50,30 100,15");
});

test("one point, and what stays the same, lie in the middle", () => {
  expect(lineOf([[7, 0.5]], 100, 30)).toBe("50,15");
  expect(
    lineOf(
      [
        [1, 3],
        [2, 3],
      ],
      100,
      30,
    ),
  ).toBe("0,15 100,15");
});

test.each([
  [0.693147, "0.6931"],
  [12, "12"],
  [-0.25, "-0.25"],
  [0, "0"],
  [0.00001234, "1.2e-5"],
  [1234567, "1.2e+6"],
])("%d is written %s", (value, words) => {
  expect(figure(value)).toBe(words);
});
