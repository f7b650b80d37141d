// From the flow to what React Flow draws; what did not change keeps its object, so it is not drawn again.

import type { Edge as DrawnEdge, Node as DrawnNode } from "@xyflow/react";
import { Edge, Flow, Group, Place, Port, Problem, edgeKey, nodeOf, portOf } from "./model";
import type { NodeData } from "./node";
import { Doc, catalog } from "./store";
import { colorOf, outlineOf, outputsOf, portsOf, titleOf } from "./types";

export const WIDTH = 240;
export const GRID = 16;
// Multiples of the grid, or a group that is dragged would pull its nodes off it.
const PAD = 32;
const HEAD = 32;
/** Between a node and one that is added beside it. */
const BESIDE = 96;
export const FOLDED = { w: 220, h: 56 };

const NOBODY: Problem[] = [];
const samePorts = (a: Port[], b: Port[]): boolean =>
  a === b || (a.length === b.length && a.every((p, i) => p === b[i] || JSON.stringify(p) === JSON.stringify(b[i])));

export function guessHeight(inputs: number, outputs: number, summary: boolean): number {
  return 40 + (summary ? 24 : 0) + Math.max(inputs, outputs) * 24 + 12;
}

function makeData(doc: Doc, inst: NodeData["inst"], index: Map<string, string[]>, old?: NodeData): NodeData {
  const kind = catalog.byKind.get(inst.kind);
  const view = doc.views[inst.id];
  const ports = portsOf(doc, inst);
  const fresh: NodeData = {
    inst,
    kind,
    inputs: ports.inputs,
    outputs: ports.outputs,
    summary: view?.summary ?? kind?.summary ?? "",
    unknown: !kind || !!view?.unknown,
    problems: doc.problems[inst.id] ?? NOBODY,
    wired: (index.get(inst.id) ?? []).join(" "),
    tried: doc.tried,
  };
  if (
    old &&
    old.inst === inst &&
    old.kind === kind &&
    old.summary === fresh.summary &&
    old.problems === fresh.problems &&
    old.wired === fresh.wired &&
    old.tried === fresh.tried &&
    samePorts(old.inputs, ports.inputs) &&
    samePorts(old.outputs, ports.outputs)
  )
    return old;
  return fresh;
}

function wiredIndex(flow: Flow): Map<string, string[]> {
  const index = new Map<string, string[]>();
  const note = (id: string, text: string) => {
    const known = index.get(id);
    if (known) known.push(text);
    else index.set(id, [text]);
  };
  for (const edge of flow.edges) {
    note(nodeOf(edge.from), `out:${portOf(edge.from)}`);
    note(nodeOf(edge.to), `in:${portOf(edge.to)}`);
  }
  return index;
}

export function foldedInto(flow: Flow): Map<string, string> {
  const found = new Map<string, string>();
  for (const group of flow.groups) if (group.folded) for (const id of group.nodes ?? []) found.set(id, group.id);
  return found;
}

function spoken(data: NodeData): string {
  const kind = data.kind?.title ?? data.inst.kind;
  const own = titleOf(data.inst);
  const title = own !== kind ? `${own}, ${kind}` : kind;
  const bad = data.problems.length ? `, ${data.problems.length} problems` : "";
  return `${title}${data.inst.disabled ? ", disabled" : ""}${bad}`;
}

const unplaced = (index: number): Place => ({ x: (index % 6) * 288, y: Math.floor(index / 6) * 208 });

export function drawNodes(doc: Doc, before: DrawnNode[], select: Set<string> | null): DrawnNode[] {
  const { flow } = doc;
  const old = new Map(before.map((node) => [node.id, node]));
  const index = wiredIndex(flow);
  const folded = foldedInto(flow);
  const result: DrawnNode[] = [];
  const keep = (id: string, type: string, at: Place, data: Record<string, unknown>, extra: Partial<DrawnNode>) => {
    const known = old.get(id);
    const position = known?.dragging ? known.position : { x: at.x, y: at.y };
    const selected = select ? select.has(id) : (known?.selected ?? false);
    const hidden = extra.hidden ?? false;
    if (
      known &&
      known.type === type &&
      known.data === data &&
      known.position.x === position.x &&
      known.position.y === position.y &&
      (known.selected ?? false) === selected &&
      (known.hidden ?? false) === hidden &&
      known.width === extra.width &&
      known.height === extra.height
    )
      return void result.push(known);
    result.push({ ...known, id, type, position, data, selected, ...extra, hidden });
  };
  for (const group of flow.groups) {
    const known = old.get(group.id);
    const frame = sized(flow.layout[group.id]);
    const same = known?.data.group === group && (known.dragging || sameFrame(known.data.frame as Frame, frame));
    const data = same ? known.data : { group, frame };
    keep(group.id, "group_", known ? known.position : (flow.layout[group.id] ?? { x: 0, y: 0 }), data, {
      zIndex: group.folded ? 1 : -1,
      width: known?.width,
      height: known?.height,
    });
  }
  flow.nodes.forEach((inst, i) => {
    const known = old.get(inst.id);
    const data = makeData(doc, inst, index, known?.data as NodeData | undefined);
    const estimate = guessHeight(data.inputs.length, data.outputs.length, !!data.summary);
    keep(inst.id, "box", flow.layout[inst.id] ?? unplaced(i), data, {
      hidden: folded.has(inst.id),
      zIndex: 1,
      initialWidth: WIDTH,
      initialHeight: estimate,
      ariaLabel: spoken(data),
    });
  });
  for (const note of flow.notes) {
    const at = flow.layout[note.id] ?? { x: 0, y: 0 };
    const known = old.get(note.id);
    const written = doc.words[note.id];
    const parts = written && written.text === note.text ? written.parts : undefined;
    const data = known?.data.note === note && known.data.parts === parts ? known.data : { note, parts };
    const resizing = known?.resizing;
    keep(note.id, "note", at, data, {
      width: resizing ? known.width : (at.w ?? 208),
      height: resizing ? known.height : (at.h ?? 144),
      zIndex: 0,
    });
  }
  return kept(before, frameGroups(result));
}

/** The list of before where nothing in it is another: React Flow then has nothing to look at. */
const kept = <T>(before: T[], now: T[]): T[] =>
  before.length === now.length && now.every((item, i) => item === before[i]) ? before : now;

/** Groups lie around their nodes, wherever those are dragged, and are as large as somebody made them. */
export function frameGroups(nodes: DrawnNode[]): DrawnNode[] {
  if (!nodes.some((node) => node.type === "group_")) return nodes;
  const byId = new Map(nodes.map((node) => [node.id, node]));
  return nodes.map((node) => {
    if (node.type !== "group_") return node;
    const group = groupData(node);
    const box = boxOf((group.nodes ?? []).flatMap((id) => byId.get(id) ?? []));
    if (!box) return node.width ? node : { ...node, width: FOLDED.w, height: FOLDED.h };
    const held = node.resizing ? { ...node.position, ...sizeOf(node) } : (node.data.frame as Frame | undefined);
    const [x, y, width, height] = group.folded ? [box.x, box.y, FOLDED.w, FOLDED.h] : framed(box, held);
    if (node.position.x === x && node.position.y === y && node.width === width && node.height === height) return node;
    return { ...node, position: { x, y }, width, height };
  });
}

/** The size that a person gave a group; without one it fits its nodes. */
export interface Frame {
  x: number;
  y: number;
  w: number;
  h: number;
}

const sized = (at: Place | undefined): Frame | undefined =>
  at?.w && at.h ? { x: at.x, y: at.y, w: at.w, h: at.h } : undefined;
const sameFrame = (a: Frame | undefined, b: Frame | undefined): boolean =>
  a === b || JSON.stringify(a) === JSON.stringify(b);

function framed(box: Frame, frame: Frame | undefined): [number, number, number, number] {
  const tight = { x: box.x - PAD, y: box.y - PAD - HEAD, w: box.w + 2 * PAD, h: box.h + 2 * PAD + HEAD };
  if (!frame) return [tight.x, tight.y, tight.w, tight.h];
  const x = Math.min(tight.x, frame.x),
    y = Math.min(tight.y, frame.y);
  return [x, y, Math.max(tight.x + tight.w, frame.x + frame.w) - x, Math.max(tight.y + tight.h, frame.y + frame.h) - y];
}

/** A group that was moved takes the frame that it was given along. */
export function shifted(node: DrawnNode, by: { x: number; y: number } | undefined): DrawnNode {
  const frame = node.data.frame as Frame | undefined;
  return by && frame
    ? { ...node, data: { ...node.data, frame: { ...frame, x: frame.x + by.x, y: frame.y + by.y } } }
    : node;
}

/** The open group under the pointer that what is dragged could join; "" where there is none. */
export function frameUnder(nodes: DrawnNode[], dragged: DrawnNode[], at: { x: number; y: number }): string {
  const found = nodes.find((node) => {
    if (node.type !== "group_" || groupData(node).folded) return false;
    const { w, h } = sizeOf(node);
    return at.x > node.position.x && at.x < node.position.x + w && at.y > node.position.y && at.y < node.position.y + h;
  });
  return found && dragged.some((node) => !groupData(found).nodes?.includes(node.id)) ? found.id : "";
}

/** The place nearest beside a node, at its right (or left), where a box lies on no other. */
export function freeBeside(
  nodes: DrawnNode[],
  node: DrawnNode,
  side: "right" | "left" = "right",
): { x: number; y: number } {
  const x = side === "right" ? node.position.x + sizeOf(node).w + BESIDE : node.position.x - WIDTH - BESIDE;
  return freeSpot(nodes, { x, y: node.position.y }, { sameColumn: true });
}

/** A box somewhere in the flow. */
export interface Rect extends Point {
  w: number;
  h: number;
}
interface Point {
  x: number;
  y: number;
}

const STRAIGHT: [number, number][] = [
  [0, 1],
  [0, -1],
];
const AROUND: [number, number][] = [...STRAIGHT, [1, 0], [-1, 0], [1, 1], [-1, 1], [1, -1], [-1, -1]];
const AWAY = GRID * 2;
const FARTHEST = 4800;

/** A line below each node says how long it took. */
const BELOW = 24;

/** What a node, a note or something else that is put down must not lie on. */
const taken = (nodes: DrawnNode[]): Rect[] =>
  nodes
    .filter((n) => !n.hidden && n.type !== "group_")
    .map((n) => ({ ...n.position, w: sizeOf(n).w, h: sizeOf(n).h + (n.type === "box" ? BELOW : 0) }));

/** The place nearest to a wish where a box lies on no other. */
export function freeSpot(
  nodes: DrawnNode[],
  wish: Point,
  { w, h, sameColumn = false }: { w?: number; h?: number; sameColumn?: boolean } = {},
): Point {
  const by = freeShift(nodes, [{ ...wish, w: w ?? WIDTH, h: h ?? 112 }], sameColumn);
  return { x: wish.x + by.x, y: wish.y + by.y };
}

/** How far boxes must be moved, together, to lie on no other. Not at all where there is no such place near. */
export function freeShift(nodes: DrawnNode[], boxes: Rect[], sameColumn = false): Point {
  const others = taken(nodes);
  const free = (dx: number, dy: number): boolean =>
    !others.some((b) =>
      boxes.some(
        ({ x, y, w, h }) =>
          x + dx < b.x + b.w + GRID && b.x < x + dx + w + GRID && y + dy < b.y + b.h + GRID && b.y < y + dy + h + GRID,
      ),
    );
  for (let step = 0; step <= FARTHEST; step += AWAY) {
    for (const [dx, dy] of sameColumn ? STRAIGHT : AROUND) {
      if (free(dx * step, dy * step)) return { x: dx * step, y: dy * step };
    }
  }
  return { x: 0, y: 0 };
}

export function sizeOf(node: DrawnNode): { w: number; h: number } {
  return {
    w: node.measured?.width ?? node.width ?? node.initialWidth ?? WIDTH,
    h: node.measured?.height ?? node.height ?? node.initialHeight ?? 120,
  };
}

export const boxOf = (nodes: DrawnNode[]): Rect | null =>
  around(nodes.map((node) => ({ ...node.position, ...sizeOf(node) })));

/** The smallest box around boxes. */
export function around(boxes: Rect[]): Rect | null {
  if (!boxes.length) return null;
  const x = Math.min(...boxes.map((box) => box.x)),
    y = Math.min(...boxes.map((box) => box.y));
  const right = Math.max(...boxes.map((box) => box.x + box.w));
  const bottom = Math.max(...boxes.map((box) => box.y + box.h));
  return { x, y, w: right - x, h: bottom - y };
}

/** What wires were drawn of. Most edits change nothing of it: a node is moved, a text is typed. */
const drawnOf = new WeakMap<DrawnEdge[], unknown[]>();

export function drawEdges(doc: Doc, before: DrawnEdge[]): DrawnEdge[] {
  const { flow } = doc;
  const sources = [flow.edges, flow.nodes, flow.groups, doc.views, catalog.kinds];
  if (drawnOf.get(before)?.every((source, i) => source === sources[i])) return before;
  const now = kept(before, wiresOf(doc, before));
  drawnOf.set(now, sources);
  return now;
}

function wiresOf(doc: Doc, before: DrawnEdge[]): DrawnEdge[] {
  const { flow } = doc;
  const old = new Map(before.map((edge) => [edge.id, edge]));
  const folded = foldedInto(flow);
  const byId = new Map(flow.nodes.map((node) => [node.id, node]));
  const result: DrawnEdge[] = [];
  const seen = new Set<string>();
  for (const edge of flow.edges) {
    const id = edgeKey(edge);
    const source = byId.get(nodeOf(edge.from)),
      target = byId.get(nodeOf(edge.to));
    if (!source || !target || seen.has(id)) continue; // the problems say so
    seen.add(id);
    const [outside, inside] = [folded.get(source.id), folded.get(target.id)];
    const port = outputsOf(doc, source).find((p) => p.name === portOf(edge.from));
    const color = colorOf(port?.types ?? []);
    const outline = outlineOf(port?.types ?? []);
    const hidden = !!outside && outside === inside;
    const known = old.get(id);
    const ends = {
      source: outside ?? source.id,
      sourceHandle: outside ? "out" : portOf(edge.from),
      target: inside ?? target.id,
      targetHandle: inside ? "in" : portOf(edge.to),
    };
    if (
      known &&
      known.source === ends.source &&
      known.target === ends.target &&
      known.sourceHandle === ends.sourceHandle &&
      known.targetHandle === ends.targetHandle &&
      known.data?.color === color &&
      known.data?.outline === outline &&
      (known.hidden ?? false) === hidden
    ) {
      result.push(known);
      continue;
    }
    const label = `Wire from ${titleOf(source)}, ${portOf(edge.from)}, to ${titleOf(target)}, ${portOf(edge.to)}`;
    result.push({
      ...known,
      ...ends,
      id,
      type: "wire",
      hidden,
      data: { color, outline, edge },
      ariaLabel: label,
      reconnectable: !outside && !inside,
      interactionWidth: 22,
    });
  }
  return result;
}

export const edgeData = (edge: DrawnEdge): Edge => edge.data?.edge as Edge;
export const groupData = (node: DrawnNode): Group => node.data.group as Group;
