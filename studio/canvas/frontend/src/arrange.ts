// Boxes in line: the grid, alignment. The automatic layout is layout/arrange.ts.

import type { Node as DrawnNode } from "@xyflow/react";
import type { Place } from "./model";
import { GRID, boxOf, sizeOf } from "./scene";

export const snap = (value: number): number => Math.round(value / GRID) * GRID;

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
