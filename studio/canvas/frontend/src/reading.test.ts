import { expect, test } from "vitest";
import { FAR, LEAST, TINY, lettersAt, readingAt } from "./reading";
import { READABLE } from "./layout/boxes";

test("letters are never smaller on the screen than one can read, and hardly larger than that", () => {
  for (let zoom = 0.1; zoom <= 2.5; zoom += 0.01) {
    const shown = lettersAt(zoom) * zoom;
    expect(shown).toBeGreaterThanOrEqual(LEAST - 0.05);
    if (zoom <= 1) expect(shown).toBeLessThan(LEAST * 1.08);
  }
});

test("letters keep their size over small steps of the zoom", () => {
  const sizes = new Set(Array.from({ length: 100 }, (_, i) => lettersAt(0.3 + i * 0.001)));
  expect(sizes.size).toBeLessThan(8);
});

test("nothing is fitted to where titles no longer fit", () => {
  expect(readingAt(READABLE)).toBe("far");
  expect(READABLE).toBeGreaterThan(TINY);
  expect([0.1, 0.5, 0.6, 1].map(readingAt)).toEqual(["tiny", "far", "middle", "near"]);
  expect(READABLE).toBeLessThan(FAR);
});
