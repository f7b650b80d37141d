import { beforeEach, expect, test } from "vitest";
import { apply } from "./apply";
import {
  addWired,
  groupOp,
  insertOps,
  leaveOp,
  nodeOp,
  possibleWires,
  removeOp,
  replugOp,
  wayForNode,
  wireOp,
} from "./edits";
import { Flow, Kind, whole } from "./model";
import { Doc, catalog } from "./store";
import { End, dragFrom } from "./types";

const text = { name: "text", types: ["text"] };
const kind = (name: string, inputs: Kind["inputs"], outputs: Kind["outputs"]): Kind => ({
  kind: name, version: 1, title: name, family: "Test", icon: "", inputs, outputs,
}); // prettier-ignore
const KINDS = [
  kind("source", [], [text]),
  kind("filter", [text], [text]),
  kind("sink", [text], []),
  kind("many", [{ ...text, many: true }], []),
  kind("number", [], [{ name: "number", types: ["number"] }]),
];
const out = (node: string): End => ({ node, port: "text", side: "out" });
const into = (node: string): End => ({ node, port: "text", side: "in" });

/** A document with nodes `a: source`, in this order, and wires `a>b`. */
function open(nodes: string, wires = "", rest: Partial<Flow> = {}): Doc {
  const doc = new Doc("d");
  doc.flow = whole({
    nodes: nodes.split(" ").map((word) => ({ id: word.split(":")[0], kind: word.split(":")[1] })),
    edges: wires
      ? wires.split(" ").map((word) => ({ from: `${word.split(">")[0]}.text`, to: `${word.split(">")[1]}.text` }))
      : [],
    ...rest,
  });
  return doc;
}
const wires = (flow: Flow): string[] => flow.edges.map((e) => `${e.from}>${e.to}`);

beforeEach(() => {
  catalog.kinds = KINDS;
  catalog.byKind = new Map(KINDS.map((one) => [one.kind, one]));
});

test("a new node lies on the grid and has an id of its own", () => {
  const doc = open("source:source");
  const made = nodeOp(doc, KINDS[0], { x: 101, y: 7 });
  expect(made.id).toBe("source-2");
  expect(apply(doc.flow, made.op).layout["source-2"]).toEqual({ x: 96, y: 0 });
});

test("a second wire into a port takes the place of the first; with Shift, or where many fit, it does not", () => {
  const doc = open("a:source b:source c:sink m:many", "a>c a>m");
  expect(wires(apply(doc.flow, wireOp(doc, out("b"), into("c"), false)))).toEqual(["a.text>m.text", "b.text>c.text"]);
  expect(wires(apply(doc.flow, wireOp(doc, out("b"), into("c"), true)))).toHaveLength(3);
  expect(wires(apply(doc.flow, wireOp(doc, out("b"), into("m"), false)))).toHaveLength(3);
});

test("a wire that is plugged elsewhere keeps its place in the order", () => {
  const doc = open("a:source b:source m:many", "a>m b>m");
  const old = doc.flow.edges[0];
  const after = apply(doc.flow, replugOp(doc, old, { from: "a.text", to: "m.other" }, false));
  expect(wires(after)).toEqual(["a.text>m.other", "b.text>m.text"]);
});

test("a node is put on a wire, and only one that is wired to nothing", () => {
  const doc = open("a:source f:filter c:sink", "a>c");
  const edge = doc.flow.edges[0];
  const way = wayForNode(doc, edge, "f");
  expect(way).toEqual({ into: "text", out: "text" });
  const after = insertOps(edge, "f", way!).reduce(apply, doc.flow);
  expect(wires(after).sort()).toEqual(["a.text>f.text", "f.text>c.text"]);
  expect(wayForNode(open("a:source f:filter c:sink", "a>c a>f"), edge, "f")).toBeNull();
});

test("a wire that is let go adds a node that fits, wired", () => {
  const doc = open("a:source");
  const dragged = dragFrom(doc, out("a"))!;
  const made = addWired(doc, KINDS[2], dragged, { x: 300, y: 100 });
  expect(wires(apply(doc.flow, made.op))).toEqual(["a.text>sink.text"]);
});

test("deleting a folded group deletes what is in it", () => {
  const doc = open("a:source b:sink", "a>b", { groups: [{ id: "g", nodes: ["b"], folded: true }] });
  const op = removeOp(doc, { nodes: [], edges: [], notes: [], groups: ["g"] });
  const after = apply(doc.flow, op!);
  expect(after.nodes.map((n) => n.id)).toEqual(["a"]);
  expect(after.edges).toEqual([]);
  expect(removeOp(doc, { nodes: [], edges: [], notes: [], groups: [] })).toBeNull();
});

test("a node is in one group at most, and can leave it", () => {
  const doc = open("a:source b:sink", "", { groups: [{ id: "g", nodes: ["a", "b"] }] });
  const grouped = apply(doc.flow, groupOp(doc, ["a"]).op);
  expect(grouped.groups.map((g) => g.nodes)).toEqual([["b"], ["a"]]);
  expect(apply(doc.flow, leaveOp(doc, ["a"])!).groups[0].nodes).toEqual(["b"]);
  expect(leaveOp(open("a:source"), ["a"])).toBeNull();
});

test("only wires that fit are offered, and none that is there", () => {
  const doc = open("a:source n:number c:sink m:many", "a>c");
  expect(possibleWires(doc, "a").map((wire) => wire.key)).toEqual(["a.text>m.text"]);
  expect(possibleWires(doc, "c").map((wire) => wire.key)).toEqual([]);
});
