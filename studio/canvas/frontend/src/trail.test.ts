import { expect, test } from "vitest";
import { Trail } from "./trail";

/** What a tab keeps. */
function tab(): Pick<Storage, "getItem" | "setItem"> {
  const kept = new Map<string, string>();
  return { getItem: (name) => kept.get(name) ?? null, setItem: (name, text) => void kept.set(name, text) };
}

test("the way back leads to where one came from, and only from there", () => {
  const store = tab();
  const trail = new Trail(() => store);
  expect(trail.cameFrom("inner")).toBeUndefined();
  trail.goIn("Outer flow", "inner", "outer");
  trail.goIn("Inner flow", "innermost", "inner");
  expect(trail.cameFrom("other")).toBeUndefined();
  expect(trail.cameFrom("innermost")?.title).toBe("Inner flow");
  expect(trail.goBack()?.from).toBe("inner");
  expect(trail.cameFrom("inner")?.from).toBe("outer");
});

test("a reload keeps the way back; another tab has none", () => {
  const store = tab();
  new Trail(() => store).goIn("Outer flow", "inner", "outer");
  const reloaded = new Trail(() => store);
  expect(reloaded.cameFrom("inner")?.from).toBe("outer");
  expect(reloaded.goBack()?.from).toBe("outer");
  expect(new Trail(() => store).cameFrom("inner")).toBeUndefined();
  expect(new Trail(tab).cameFrom("inner")).toBeUndefined();
});

test("what is kept may be anything, or nothing", () => {
  for (const text of ["{", "7", '[7, null, {"from": 1}]']) {
    const store = { ...tab(), getItem: () => text };
    expect(new Trail(() => store).cameFrom("")).toBeUndefined();
  }
  const refuses = (): never => {
    throw new DOMException("denied");
  };
  const trail = new Trail(refuses);
  trail.goIn("Outer flow", "inner", "outer");
  expect(trail.cameFrom("inner")?.title).toBe("Outer flow");
});
