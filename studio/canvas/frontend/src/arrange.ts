// Where boxes go: automatic layout, alignment.

import { Graph, layout } from "@dagrejs/dagre";
import type { Node as DrawnNode } from "@xyflow/react";
import { Flow, Place, nodeOf } from "./model";
import { GRID, boxOf, sizeOf } from "./scene";

export const snap = (value: number): number => Math.round(value / GRID) * GRID;

/** Left to right by layers; the first node stays where it was. */
export function autoLayout(flow: Flow, drawn: DrawnNode[], only: Set<string>): Record<string, Place> {
  const graph = new Graph();
  graph.setGraph({ rankdir: "LR", nodesep: 40, ranksep: 96, marginx: 0, marginy: 0 });
  graph.setDefaultEdgeLabel(() => ({}));
  const chosen = drawn.filter((n) => n.type === "box" && (!only.size || only.has(n.id)));
  const inside = new Set(chosen.map((n) => n.id));
  for (const node of chosen) graph.setNode(node.id, { width: sizeOf(node).w, height: sizeOf(node).h });
  for (const edge of flow.edges) {
    const [a, b] = [nodeOf(edge.from), nodeOf(edge.to)];
    if (inside.has(a) && inside.has(b)) graph.setEdge(a, b);
  }
  layout(graph);
  const old = boxOf(chosen);
  const places: Record<string, Place> = {};
  const corner = { x: Infinity, y: Infinity };
  for (const node of chosen) {
    const at = graph.node(node.id) as { x: number; y: number; width: number; height: number };
    places[node.id] = { x: at.x - at.width / 2, y: at.y - at.height / 2 };
    corner.x = Math.min(corner.x, places[node.id].x);
    corner.y = Math.min(corner.y, places[node.id].y);
  }
  for (const at of Object.values(places)) {
    at.x = snap(at.x - corner.x + (old?.x ?? 0));
    at.y = snap(at.y - corner.y + (old?.y ?? 0));
  }
  return places;
}

export type Alignment = "left" | "top" | "across" | "down";

export function align(nodes: DrawnNode[], how: Alignment): Record<string, Place> {
  const box = boxOf(nodes);
  if (!box) return {};
  const places: Record<string, Place> = {};
  if (how === "left" || how === "top") {
    for (const node of nodes) {
      places[node.id] = how === "left" ? { x: box.x, y: node.position.y } : { x: node.position.x, y: box.y };
    }
    return places;
  }
  const wide = how === "across";
  const sorted = [...nodes].sort((a, b) => (wide ? a.position.x - b.position.x : a.position.y - b.position.y));
  const taken = sorted.reduce((sum, node) => sum + (wide ? sizeOf(node).w : sizeOf(node).h), 0);
  const gap = Math.max(GRID, ((wide ? box.w : box.h) - taken) / Math.max(1, sorted.length - 1));
  let at = wide ? box.x : box.y;
  for (const node of sorted) {
    places[node.id] = wide ? { x: Math.round(at), y: node.position.y } : { x: node.position.x, y: Math.round(at) };
    at += (wide ? sizeOf(node).w : sizeOf(node).h) + gap;
  }
  return places;
}
