// The automatic layout: columns from left to right by dagre, wrapped to the window. A file of its own, fetched when
// it is first needed. Long wires take part as boxes of no width, so that a lane is free for each (layout/lanes.ts).

import { Graph, layout } from "@dagrejs/dagre";
import type { Place } from "../model";
import { type Box, type Shape, type Wire, GAP } from "./boxes";
import { BETWEEN, type Column, wrapped } from "./rows";

const STEP = 16;
const snap = (value: number): number => Math.round(value / STEP) * STEP;

/** A place for each box. The same boxes and wires give the same places; most stay when one is added. */
export function arrange(boxes: Box[], wires: Wire[], shape: Shape): Record<string, Place> {
  const columns = columnsOf(boxes, wires);
  if (!columns.length) return {};
  const places: Record<string, Place> = {};
  let top = 0;
  for (const [from, to] of wrapped(columns.list, crossings(columns, wires), shape)) {
    const row = columns.list.slice(from, to);
    const [first, high] = [row[0].x, Math.min(...row.map((c) => c.top))];
    for (const id of row.flatMap((c) => c.ids)) {
      const at = columns.at.get(id) as Place;
      places[id] = { x: snap(at.x - first), y: snap(top + at.y - high) };
    }
    top += Math.max(...row.map((c) => c.bottom)) - high + BETWEEN;
  }
  return anchored(places, boxes);
}

interface Columns {
  list: Column[];
  at: Map<string, Place>;
  of: Map<string, number>;
  length: number;
}

function columnsOf(boxes: Box[], wires: Wire[]): Columns {
  const graph = new Graph();
  graph.setGraph({ rankdir: "LR", nodesep: GAP.y, edgesep: 24, ranksep: GAP.x, marginx: 0, marginy: 0 });
  graph.setDefaultEdgeLabel(() => ({}));
  const byId = new Map(boxes.map((box) => [box.id, box]));
  for (const box of boxes) graph.setNode(box.id, { width: box.w, height: box.h + box.room });
  for (const [a, b] of wires) if (a !== b && byId.has(a) && byId.has(b)) graph.setEdge(a, b);
  layout(graph);
  const at = new Map<string, Place>();
  const found = new Map<number, Column>();
  for (const box of boxes) {
    const { x, y } = graph.node(box.id) as Place;
    const place = { x: x - box.w / 2, y: y - (box.h + box.room) / 2 };
    at.set(box.id, place);
    const column = found.get(Math.round(x)) ?? { ids: [], x: place.x, w: 0, top: Infinity, bottom: -Infinity };
    column.ids.push(box.id);
    column.x = Math.min(column.x, place.x);
    column.w = Math.max(column.w, box.w);
    column.top = Math.min(column.top, place.y);
    column.bottom = Math.max(column.bottom, place.y + box.h + box.room);
    found.set(Math.round(x), column);
  }
  const list = [...found.values()].sort((a, b) => a.x - b.x);
  const of = new Map(list.flatMap((column, i) => column.ids.map((id): [string, number] => [id, i])));
  return { list, at, of, length: list.length };
}

/** How many wires lead over the gap before each column. */
function crossings(columns: Columns, wires: Wire[]): number[] {
  const over = new Array<number>(columns.length).fill(0);
  for (const [a, b] of wires) {
    const [from, to] = [columns.of.get(a) ?? 0, columns.of.get(b) ?? 0];
    for (let i = Math.min(from, to) + 1; i <= Math.max(from, to); i++) over[i]++;
  }
  return over;
}

/** Moved as a whole, so that as much as possible stays where it was. */
function anchored(places: Record<string, Place>, boxes: Box[]): Record<string, Place> {
  const old = boxes.filter((box) => box.at);
  const by = (axis: "x" | "y"): number => median(old.map((box) => (box.at as Place)[axis] - places[box.id][axis]));
  const shift = old.length ? { x: snap(by("x")), y: snap(by("y")) } : { x: 0, y: 0 };
  return Object.fromEntries(Object.entries(places).map(([id, at]) => [id, { x: at.x + shift.x, y: at.y + shift.y }]));
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
