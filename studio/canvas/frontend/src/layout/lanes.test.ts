import { expect, test } from "vitest";
import { type Run, type Span, along, lanesOf } from "./lanes";

const box = (id: string, x: number, y: number): Span => ({ id, x, y, w: 240, h: 110 });
const run = (id: string, a: Span, b: Span, from = id): Run => ({
  ...{ id, from, source: a.id, target: b.id },
  ...{ sx: a.x + a.w, sy: a.y + 80, tx: b.x, ty: b.y + 80 },
});
const [a, middle, b] = [box("a", 0, 0), box("m", 336, 0), box("b", 672, 0)];

test("a wire with nothing between goes straight over", () => {
  expect(lanesOf([a, middle], [run("w", a, middle)]).size).toBe(0);
});

test("a wire that skips a column goes along a lane in which no box lies", () => {
  const lane = lanesOf([a, middle, b], [run("w", a, b)]).get("w")!;
  expect(lane.y < middle.y || lane.y > middle.y + middle.h).toBe(true);
  expect(lane.x1).toBeLessThan(middle.x);
  expect(lane.x2).toBeGreaterThan(middle.x + middle.w);
});

test("two wires from two places do not lie on each other; two from one may", () => {
  const other = box("c", 0, 200);
  const boxes = [a, middle, b, other];
  const apart = lanesOf(boxes, [run("v", a, b), run("w", { ...other, y: 0 }, b)]);
  expect(Math.abs(apart.get("v")!.y - apart.get("w")!.y)).toBeGreaterThanOrEqual(7);
  const same = lanesOf(boxes, [run("v", a, b, "a.x"), run("w", a, b, "a.x")]);
  expect(same.get("v")!.y).toBe(same.get("w")!.y);
});

test("a wire to the left goes round its boxes", () => {
  const below = box("d", 0, 300);
  const lane = lanesOf([a, middle, b, below], [run("w", b, below)]).get("w")!;
  expect(lane.back).toBe(true);
  expect(lane.y).toBeGreaterThan(110);
  expect(lane.y).toBeLessThan(300);
  const path = along(lane, 912, 80, 0, 380);
  expect(path.startsWith("M912 80")).toBe(true);
  expect(path.endsWith("L0 380")).toBe(true);
  expect(path).not.toContain("NaN");
});
