import { expect, test } from "vitest";
import { arrange } from "./arrange";
import { type Box, type Wire, READABLE } from "./boxes";
import { fitted } from "./fitted";

const WINDOW = { w: 900, h: 640 };

interface Saved {
  nodes: { id: string }[];
  edges: { from: string; to: string }[];
}
const saved = Object.entries(
  import.meta.glob<Saved>("../../../../../flows/saved/*.json", { eager: true, import: "default" }),
).map(([path, flow]): [string, Saved] => [path.slice(path.lastIndexOf("/") + 1), flow]);
const boxesOf = (ids: string[]): Box[] => ids.map((id) => ({ id, w: 240, h: 110, room: 16 }));
const wiresOf = (flow: Saved): Wire[] => flow.edges.map((e) => [e.from.split(".")[0], e.to.split(".")[0]]);
const chain = (length: number): [Box[], Wire[]] => {
  const ids = Array.from({ length }, (_, i) => `n${i}`);
  return [boxesOf(ids), ids.slice(1).map((id, i): Wire => [ids[i], id])];
};

test.each(saved)("%s: no box lies on another", (_name, flow) => {
  const boxes = boxesOf(flow.nodes.map((n) => n.id));
  const at = arrange(boxes, wiresOf(flow), WINDOW);
  for (const a of boxes)
    for (const b of boxes) {
      if (a.id >= b.id) continue;
      const apart = Math.abs(at[a.id].x - at[b.id].x) >= 240 || Math.abs(at[a.id].y - at[b.id].y) >= 110 + 16;
      expect(apart, `${a.id} and ${b.id}`).toBe(true);
    }
});

test.each(saved)("%s: all of it can be read at once", (_name, flow) => {
  const at = Object.values(arrange(boxesOf(flow.nodes.map((n) => n.id)), wiresOf(flow), WINDOW));
  const w = Math.max(...at.map((p) => p.x)) - Math.min(...at.map((p) => p.x)) + 240;
  const h = Math.max(...at.map((p) => p.y)) - Math.min(...at.map((p) => p.y)) + 110;
  expect(Math.min(WINDOW.w / w, WINDOW.h / h)).toBeGreaterThanOrEqual(0.42);
});

test("there are saved flows to lay out", () => expect(saved.length).toBeGreaterThan(40));

test("a long row is wrapped to the window, and wires go on from left to right in each row", () => {
  const [boxes, wires] = chain(12);
  const at = arrange(boxes, wires, WINDOW);
  expect(new Set(Object.values(at).map((p) => p.y)).size).toBeGreaterThan(2);
  expect(at.n1.x).toBeGreaterThan(at.n0.x);
  const wide = arrange(boxes, wires, { w: 9000, h: 640 });
  expect(new Set(Object.values(wide).map((p) => p.y)).size).toBe(1);
});

test("the same flow gives the same places, and a node more moves hardly any other", () => {
  const [, flow] = saved.find(([name]) => name === "research_crew.json")!;
  const boxes = boxesOf(flow.nodes.map((n) => n.id));
  const before = arrange(boxes, wiresOf(flow), WINDOW);
  const placed = boxes.map((box) => ({ ...box, at: before[box.id] }));
  expect(arrange(placed, wiresOf(flow), WINDOW)).toEqual(before);
  const more = [...placed, ...boxesOf(["extra"])];
  const after = arrange(more, [...wiresOf(flow), [boxes[0].id, "extra"]], WINDOW);
  const moved = boxes.filter(({ id }) => Math.hypot(after[id].x - before[id].x, after[id].y - before[id].y) > 200);
  expect(moved.length).toBeLessThan(boxes.length / 2);
});

test("what was placed stays about where it was: the layout moves as a whole", () => {
  const [boxes, wires] = chain(3);
  const far = boxes.map((box, i) => ({ ...box, at: { x: 5008 + i * 336, y: -800 } }));
  expect(arrange(far, wires, WINDOW).n1).toEqual({ x: 5008 + 336, y: -800 });
});

test("nothing is fitted below the size that can be read, unless all of it is asked for", () => {
  const corner = { x: 28, y: 68 };
  const long = { x: 100, y: 50, w: 20_000, h: 300 };
  const near = fitted(long, WINDOW, corner);
  expect(near.zoom).toBe(READABLE);
  expect(100 * near.zoom + near.x).toBe(28); // its beginning stands at the left
  expect(fitted(long, WINDOW, corner, true).zoom).toBeLessThan(0.11);
  const small = fitted({ x: 0, y: 0, w: 300, h: 200 }, WINDOW, corner);
  expect(small).toEqual({ zoom: 1, x: 28 + 300, y: 68 + 220 });
});
