import { expect, test } from "vitest";
import { Flow, whole } from "./model";
import { FOLDED, WIDTH, drawEdges, drawNodes, frameUnder, freeShift, freeSpot, sizeOf } from "./scene";
import { Doc } from "./store";

function open(flow: Partial<Flow>): Doc {
  const doc = new Doc("d");
  doc.flow = whole(flow);
  return doc;
}
const two = (rest: Partial<Flow> = {}): Doc =>
  open({
    nodes: [
      { id: "a", kind: "k" },
      { id: "b", kind: "k" },
    ],
    edges: [{ from: "a.x", to: "b.y" }],
    layout: { a: { x: 0, y: 0 }, b: { x: 400, y: 0 } },
    ...rest,
  });

test("what did not change keeps its object, so it is not drawn again", () => {
  const doc = two();
  const before = drawNodes(doc, [], null);
  doc.flow = { ...doc.flow, layout: { ...doc.flow.layout, b: { x: 416, y: 0 } } };
  const after = drawNodes(doc, before, null);
  expect(after[0]).toBe(before[0]);
  expect(after[1]).not.toBe(before[1]);
  const edges = drawEdges(doc, []);
  expect(drawEdges(doc, edges)[0]).toBe(edges[0]);
});

test("where nothing is to be drawn anew, React Flow gets the same lists", () => {
  const doc = two();
  const [nodes, edges] = [drawNodes(doc, [], null), drawEdges(doc, [])];
  expect(drawNodes(doc, nodes, null)).toBe(nodes);
  expect(drawEdges(doc, edges)).toBe(edges);
  doc.flow = { ...doc.flow, layout: { ...doc.flow.layout, b: { x: 416, y: 0 } } };
  expect(drawEdges(doc, edges)).toBe(edges);
  doc.flow = { ...doc.flow, nodes: doc.flow.nodes.map((node) => ({ ...node, title: "Another" })) };
  expect(drawEdges(doc, edges)).toBe(edges);
  doc.views = { a: { outputs: [{ name: "x", types: ["text"] }] } } as Doc["views"];
  const colored = drawEdges(doc, edges);
  expect(colored[0].data?.color).not.toBe(edges[0].data?.color);
  doc.flow = { ...doc.flow, edges: [] };
  expect(drawEdges(doc, colored)).toEqual([]);
});

test("a node under the mouse stays where the hand is", () => {
  const doc = two();
  const [a, b] = drawNodes(doc, [], null);
  const held = { ...a, dragging: true, position: { x: 50, y: 60 } };
  expect(drawNodes(doc, [held, b], null)[0].position).toEqual({ x: 50, y: 60 });
});

test("what an edit made is selected, and nothing else", () => {
  const doc = two();
  const before = drawNodes(doc, [], new Set(["a"]));
  expect(before.map((n) => n.selected)).toEqual([true, false]);
  expect(drawNodes(doc, before, new Set(["b"])).map((n) => n.selected)).toEqual([false, true]);
  expect(drawNodes(doc, before, null).map((n) => n.selected)).toEqual([true, false]);
});

test("a group lies around its nodes, and is as large as somebody made it", () => {
  const groups = [{ id: "g", nodes: ["a", "b"] }];
  const [tight] = drawNodes(two({ groups }), [], null);
  expect(tight.position.x).toBeLessThan(0);
  expect(tight.width).toBeGreaterThan(400 + WIDTH);
  const layout = { a: { x: 0, y: 0 }, b: { x: 400, y: 0 }, g: { x: -100, y: -100, w: 2000, h: 900 } };
  const [wide] = drawNodes(two({ groups, layout }), [], null);
  expect([wide.width, wide.height]).toEqual([2000, 900]);
});

test("a folded group hides what is in it, and stands for it at the ends of wires", () => {
  const doc = two({ groups: [{ id: "g", nodes: ["b"], folded: true }] });
  const nodes = drawNodes(doc, [], null);
  expect(nodes.find((n) => n.id === "b")?.hidden).toBe(true);
  expect(nodes[0].width).toBe(FOLDED.w);
  expect(drawEdges(doc, [])[0]).toMatchObject({ source: "a", target: "g", targetHandle: "in" });
});

test("a wire to a node that is not there, or the same wire twice, is drawn once or not at all", () => {
  const edge = { from: "a.x", to: "b.y" };
  const doc = two({ edges: [edge, edge, { from: "a.x", to: "gone.y" }] });
  expect(drawEdges(doc, [])).toHaveLength(1);
});

test("the open group under the pointer is found, unless everything is in it already", () => {
  const doc = two({ groups: [{ id: "g", nodes: ["a"] }] });
  const nodes = drawNodes(doc, [], null);
  const [a, b] = ["a", "b"].map((id) => nodes.filter((n) => n.id === id));
  expect(frameUnder(nodes, b, { x: 100, y: 10 })).toBe("g");
  expect(frameUnder(nodes, a, { x: 100, y: 10 })).toBe("");
  expect(frameUnder(nodes, b, { x: 4000, y: 10 })).toBe("");
});

test("a new node lies on no other", () => {
  const nodes = drawNodes(two(), [], null);
  const spot = freeSpot(nodes, { x: 10, y: 10 });
  expect(spot).not.toEqual({ x: 10, y: 10 });
  expect(freeSpot(nodes, { x: 10, y: 2000 })).toEqual({ x: 10, y: 2000 });
  const [first] = nodes;
  const wish = { x: first.position.x, y: first.position.y + sizeOf(first).h + 16 };
  expect(freeSpot(nodes, wish).y).toBeGreaterThan(wish.y); // what stands below a node can still be read
});

test("boxes that are put down together lie on nothing, and keep their places to each other", () => {
  const nodes = drawNodes(two(), [], null);
  const boxes = [
    { x: 20, y: 20, w: WIDTH, h: 100 },
    { x: 420, y: 20, w: WIDTH, h: 100 },
  ];
  const by = freeShift(nodes, boxes);
  expect(by).not.toEqual({ x: 0, y: 0 });
  for (const box of boxes)
    for (const node of nodes) {
      const beside = Math.abs(node.position.x - box.x - by.x) >= WIDTH;
      expect(beside || Math.abs(node.position.y - box.y - by.y) >= 100).toBe(true);
    }
  expect(freeShift(nodes, [{ x: 0, y: 2000, w: WIDTH, h: 100 }])).toEqual({ x: 0, y: 0 });
});
