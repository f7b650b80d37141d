// What the gestures on the canvas mean, as operations. No drawing here.

import type { Node as DrawnNode } from "@xyflow/react";
import { snap } from "./arrange";
import { arranged } from "./layout/arranged";
import type { Box, Shape, Wire } from "./layout/boxes";
import { Edge, Group, Kind, Note, Op, Place, Port, edgeKey, freshId, ids, nodeOf, portOf } from "./model";
import type { NodeData } from "./node";
import { WIDTH, boxOf, sizeOf } from "./scene";
import { Doc, catalog } from "./store";
import { Dragged, End, edgeOf, fits, fittingPort, isOpen, portAt, portsOf, titleOf } from "./types";

export interface Chosen {
  nodes: string[];
  edges: Edge[];
  notes: string[];
  groups: string[];
}
export interface Point {
  x: number;
  y: number;
}

export function nodeOp(doc: Doc, kind: Kind, at: Point): { op: Op; id: string } {
  const id = freshId(kind.title, ids(doc.flow));
  const place: Place = { x: snap(at.x), y: snap(at.y) };
  return { op: { op: "add_node", node: { id, kind: kind.kind, version: kind.version }, at: place }, id };
}

/** A wire; one that is in the way gives way, unless both should stay. */
export function wireOp(doc: Doc, a: End, b: End, keep: boolean): Op {
  const edge = edgeOf(a, b);
  const into = a.side === "in" ? a : b;
  const port = portAt(doc, into);
  const taken = doc.flow.edges.some((e) => e.to === edge.to);
  return { op: "connect", ...edge, ...(taken && !port?.many && !keep && { replace: true }) };
}

export function replugOp(doc: Doc, old: Edge, fresh: Edge, keep: boolean): Op {
  const port = portAt(doc, { node: nodeOf(fresh.to), port: portOf(fresh.to), side: "in" });
  const taken = doc.flow.edges.some((e) => e.to === fresh.to && edgeKey(e) !== edgeKey(old));
  return { op: "replug", old, new: fresh, ...(taken && !port?.many && !keep && { replace: true }) };
}

/** A new node, wired to where a wire was dropped. */
export function addWired(doc: Doc, kind: Kind, dragged: Dragged, at: Point): { op: Op; id: string } {
  const out = dragged.from.side === "out";
  const made = nodeOp(doc, kind, { x: out ? at.x : at.x - WIDTH, y: at.y - 60 });
  const port = fittingPort(kind, dragged);
  if (!port) return made;
  const edge = edgeOf(dragged.from, { node: made.id, port: port.name, side: out ? "in" : "out" });
  const into = portAt(doc, dragged.from);
  const replace = !out && !into?.many && doc.flow.edges.some((e) => e.to === edge.to);
  const connect: Op = { op: "connect", ...edge, ...(replace && { replace: true }) };
  return { op: { op: "batch", ops: [made.op, connect], label: `add ${kind.title}` }, id: made.id };
}

/** How a node that is added beside another is wired to it. */
export interface Beside {
  edge: Edge;
  /** Where the new one goes. */
  side: "right" | "left";
}

const exact = (given: string[], taken: string[]): boolean => taken.some((type) => given.includes(type));

/** The wire that is meant when a kind is added while a node is selected; null where several could be. */
export function besideWire(doc: Doc, from: string, kind: Kind, id: string): Beside | null {
  const node = doc.flow.nodes.find((n) => n.id === from);
  if (!node) return null;
  const ports = portsOf(doc, node);
  // A port of no type is one that is gone.
  const outputs = ports.outputs.filter((out) => out.types.length);
  const after = only(pairs(from, outputs, id, kind.inputs));
  if (after) return { edge: after, side: "right" };
  const inputs = ports.inputs.filter((into) => into.types.length && isOpen(doc.flow, from, into));
  const before = only(pairs(id, kind.outputs, from, inputs));
  return before && { edge: before, side: "left" };
}

/** Every wire from outputs of one node to inputs of another that fits. */
const pairs = (from: string, outputs: Port[], to: string, inputs: Port[]): Possible[] =>
  outputs.flatMap((out) =>
    inputs
      .filter((into) => fits(out.types, into.types))
      .map((into) => ({
        edge: { from: `${from}.${out.name}`, to: `${to}.${into.name}` },
        sure: exact(out.types, into.types),
        need: !!into.required,
      })),
  );

interface Possible {
  edge: Edge;
  sure: boolean;
  need: boolean;
}

/** The only wire, or the only one that is needed, or of the very type. */
function only(found: Possible[]): Edge | null {
  for (const narrow of [
    () => true,
    (p: Possible) => p.need,
    (p: Possible) => p.sure,
    (p: Possible) => p.need && p.sure,
  ]) {
    const left = found.filter(narrow);
    if (left.length === 1) return left[0].edge;
  }
  return null;
}

/** What most often follows an output, as a kind that is installed; undefined where nothing is known of it. */
export function bestNext(doc: Doc, end: End): { kind: Kind; port: string } | undefined {
  const node = doc.flow.nodes.find((n) => n.id === end.node);
  const given = portAt(doc, end);
  const known = (node && catalog.byKind.get(node.kind)?.next?.[end.port]) ?? [];
  for (const [name, port] of known) {
    const kind = catalog.byKind.get(name);
    const into = kind?.inputs.find((p) => p.name === port);
    if (kind && !kind.install && into && given && fits(given.types, into.types)) return { kind, port };
  }
  return undefined;
}

interface Way {
  into: string;
  out: string;
}

/** Through which ports of a node a wire can be led. */
export function wayThrough(doc: Doc, edge: Edge, inputs: Kind["inputs"], outputs: Kind["outputs"]): Way | null {
  const given = portAt(doc, { node: nodeOf(edge.from), port: portOf(edge.from), side: "out" });
  const taken = portAt(doc, { node: nodeOf(edge.to), port: portOf(edge.to), side: "in" });
  const into = given && inputs.find((p) => p.types.length && fits(given.types, p.types));
  const out = taken && outputs.find((p) => p.types.length && fits(p.types, taken.types));
  return into && out ? { into: into.name, out: out.name } : null;
}

export function insertOps(edge: Edge, node: string, way: Way): Op[] {
  return [
    { op: "replug", old: edge, new: { from: `${node}.${way.out}`, to: edge.to } },
    { op: "connect", from: edge.from, to: `${node}.${way.into}` },
  ];
}

/** The way for a node that is on the canvas already: only if it is wired to nothing yet. */
export function wayForNode(doc: Doc, edge: Edge, id: string): Way | null {
  const node = doc.flow.nodes.find((n) => n.id === id);
  if (!node || doc.flow.edges.some((e) => nodeOf(e.from) === id || nodeOf(e.to) === id)) return null;
  const ports = portsOf(doc, node);
  return wayThrough(doc, edge, ports.inputs, ports.outputs);
}

export function removeOp(doc: Doc, chosen: Chosen): Op | null {
  const { nodes, edges, notes, groups } = chosen;
  if (!nodes.length && !edges.length && !notes.length && !groups.length) return null;
  const folded = doc.flow.groups.filter((g) => groups.includes(g.id) && g.folded).flatMap((g) => g.nodes ?? []);
  const op: Op = { op: "remove" };
  const all = [...new Set([...nodes, ...folded])];
  if (all.length) op.nodes = all;
  if (edges.length) op.edges = edges;
  if (notes.length) op.notes = notes;
  if (groups.length) op.groups = groups;
  return op;
}

export function groupOp(doc: Doc, nodes: string[]): { op: Op; id: string } {
  const id = freshId("group", ids(doc.flow));
  const group: Group = { id, title: "Group", nodes };
  return { op: { op: "group", group }, id };
}

/** Nodes that are dropped into a group's frame belong to it from then on. */
export function joinOp(doc: Doc, id: string, nodes: string[]): Op {
  const group = doc.flow.groups.find((g) => g.id === id);
  return { op: "edit_group", group: id, nodes: [...new Set([...(group?.nodes ?? []), ...nodes])] };
}

export function leaveOp(doc: Doc, nodes: string[]): Op | null {
  const left = doc.flow.groups.filter((g) => g.nodes?.some((n) => nodes.includes(n)));
  const ops = left.map((g): Op => ({
    op: "edit_group",
    group: g.id,
    nodes: (g.nodes ?? []).filter((n) => !nodes.includes(n)),
  }));
  return ops.length ? { op: "batch", ops, label: "take out of the group" } : null;
}

/** Back to frames that fit: the sizes that groups were given are forgotten. */
export function fitFramesOp(doc: Doc, groups: string[]): Op | null {
  const layout = Object.fromEntries(groups.filter((id) => doc.flow.layout[id]).map((id) => [id, null]));
  return Object.keys(layout).length ? { op: "patch", layout } : null;
}

/** Pixels of a note that nobody has made larger. */
export const NOTE = { w: 208, h: 144 };

export function noteOp(doc: Doc, at: Point): { op: Op; id: string } {
  const id = freshId("note", ids(doc.flow));
  const note: Note = { id };
  return { op: { op: "add_note", note, at: { x: snap(at.x), y: snap(at.y), ...NOTE } }, id };
}

export function moveOp(places: Record<string, Place>): Op | null {
  return Object.keys(places).length ? { op: "move", places } : null;
}

/** Where the boxes go, as one edit: all of them, or some; an error in words where the layout does not come. */
export async function layoutOp(
  doc: Doc,
  drawn: DrawnNode[],
  only: Set<string>,
  shape: Shape,
  lay = arranged,
): Promise<Op | null> {
  const boxes = boxesOf(doc, drawn, only);
  const wires = doc.flow.edges.map((edge): Wire => [nodeOf(edge.from), nodeOf(edge.to)]);
  const places = await lay([boxes, wires, shape]);
  const move = moveOp(places);
  const frames = fitFramesOp(
    doc,
    doc.flow.groups.filter((g) => g.nodes?.some((n) => n in places)).map((g) => g.id),
  );
  return move && frames ? { op: "batch", ops: [move, frames], label: "lay out" } : move;
}

/** Those that answer stream what they say below themselves. */
const STREAMS = 88;
const QUIET = 16;

function boxesOf(doc: Doc, drawn: DrawnNode[], only: Set<string>): Box[] {
  return drawn
    .filter((node) => node.type === "box" && (!only.size || only.has(node.id)))
    .map((node) => {
      const { inputs, outputs } = node.data as NodeData;
      const answers =
        inputs.some((p) => p.types.includes("chat model")) && outputs.some((p) => p.types.includes("text"));
      return { id: node.id, ...sizeOf(node), room: answers ? STREAMS : QUIET, at: doc.flow.layout[node.id] };
    });
}

export function nudgeOp(doc: Doc, drawn: DrawnNode[], by: Point): Op | null {
  const groups = new Map(doc.flow.groups.map((g) => [g.id, g.nodes ?? []]));
  const moved = new Set(
    drawn.flatMap((n) => [...(groups.get(n.id) ?? [n.id]), ...(doc.flow.layout[n.id]?.w ? [n.id] : [])]),
  );
  const at = (id: string): Place => doc.flow.layout[id] ?? drawn.find((n) => n.id === id)?.position ?? { x: 0, y: 0 };
  const places = [...moved].map((id): [string, Place] => [
    id,
    { x: Math.round(at(id).x + by.x), y: Math.round(at(id).y + by.y) },
  ]);
  return moveOp(Object.fromEntries(places));
}

/** Every wire that could be drawn from or to a node, as choices in words. */
export function possibleWires(doc: Doc, id: string): { key: string; title: string; detail: string; a: End; b: End }[] {
  const start = doc.flow.nodes.find((n) => n.id === id);
  if (!start) return [];
  const found: ReturnType<typeof possibleWires> = [];
  const mine = portsOf(doc, start);
  const known = new Set(doc.flow.edges.map(edgeKey));
  for (const other of doc.flow.nodes) {
    if (other.id === id) continue;
    const theirs = portsOf(doc, other);
    for (const [outNode, outs, inNode, ins] of [
      [start, mine.outputs, other, theirs.inputs],
      [other, theirs.outputs, start, mine.inputs],
    ] as const) {
      for (const out of outs)
        for (const into of ins) {
          const a: End = { node: outNode.id, port: out.name, side: "out" },
            b: End = { node: inNode.id, port: into.name, side: "in" };
          const key = edgeKey(edgeOf(a, b));
          if (known.has(key) || !out.types.length || !into.types.length || !fits(out.types, into.types)) continue;
          found.push({
            key,
            a,
            b,
            title: `${titleOf(outNode)} · ${out.name} → ${titleOf(inNode)} · ${into.name}`,
            detail: out.types.join(", "),
          });
        }
    }
  }
  return found;
}

export function usableKinds(): Kind[] {
  return catalog.kinds.filter((kind) => !kind.install);
}

export { boxOf };
