import { expect, test } from "vitest";
import { byPath, calledPath } from "./titles";

const titles = new Map([
  ["each", "For each"],
  ["each/ask", "Ask"],
  ["each/part", "Sub-flow"],
  ["each/part/7", "Seven"],
]);

test("steps inside a node are called by the titles on the way, items by their number", () => {
  expect(calledPath("each", titles)).toEqual(["For each"]);
  expect(calledPath("each/0/ask", titles)).toEqual(["For each", "item 1", "Ask"]);
  expect(calledPath("each/11/part/7", titles)).toEqual(["For each", "item 12", "Sub-flow", "Seven"]);
  expect(calledPath("each/0/gone", titles)).toEqual(["For each", "item 1", "gone"]);
  expect(calledPath("3", titles)).toEqual(["3"]);
});

test("item 2 stands before item 10, and a node before what is inside", () => {
  expect(["a/10/b", "a/2/b", "a"].sort(byPath)).toEqual(["a", "a/2/b", "a/10/b"]);
});
