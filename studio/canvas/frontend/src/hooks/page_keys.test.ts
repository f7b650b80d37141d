import { expect, test } from "vitest";
import { type Reach, reaches } from "./page_keys";

test("a field keeps what is typed; the palette of commands and saving come from everywhere", () => {
  const keys = ["k", "s", "z", "a", "Enter"];
  expect(keys.filter((key) => reaches("few", key, true))).toEqual(["k", "s"]);
  expect(["k", "i", "?", "Delete"].filter((key) => reaches("few", key, false))).toEqual([]);
});

test("a button keeps Enter, space and the arrows, and lets letters through", () => {
  const keys = ["Enter", " ", "ArrowLeft", "Delete", "Escape", "i", "?", "+"];
  expect(keys.filter((key) => reaches("words", key, false))).toEqual(["i", "?", "+"]);
  expect(["z", "k", "a", "Enter"].filter((key) => reaches("words", key, true))).toEqual(["z", "k"]);
});

test("where nothing has the focus all keys are the canvas's; in a dialog none is", () => {
  const all = (reach: Reach) => ["Delete", "f", "Enter"].map((key) => reaches(reach, key, false));
  expect(all("all")).toEqual([true, true, true]);
  expect(all("none")).toEqual([false, false, false]);
});
