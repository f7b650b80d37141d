import { expect, test } from "vitest";
import { cameFrom, goBack, goIn } from "./trail";

test("the way back leads to where one came from, and only from there", () => {
  expect(cameFrom("inner")).toBeUndefined();
  goIn("Outer flow", "inner", "outer");
  goIn("Inner flow", "innermost", "inner");
  expect(cameFrom("other")).toBeUndefined();
  expect(cameFrom("innermost")?.title).toBe("Inner flow");
  expect(goBack()?.from).toBe("inner");
  expect(cameFrom("inner")?.from).toBe("outer");
});
