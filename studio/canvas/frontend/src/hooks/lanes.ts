// Keeps the lanes of wires in step with where the boxes are. While something is dragged they stay as they were.

import type { Edge as DrawnEdge, Node as DrawnNode } from "@xyflow/react";
import { useEffect, useRef } from "react";
import type { Lanes } from "../context";
import { type Run, lanesOf } from "../layout/lanes";
import { nodeOf, portOf } from "../model";
import type { NodeData } from "../node";
import { edgeData, sizeOf } from "../scene";
import type { Scene } from "./scene";

const ROW = 24;
const FOOT = 8;

/** How far below a box's top a port lies: the ports are its last rows. */
function portAt(node: DrawnNode, name: string | null | undefined, side: "inputs" | "outputs"): number {
  const { h } = sizeOf(node);
  if (node.type !== "box") return h / 2;
  const data = node.data as NodeData;
  const rows = Math.max(data.inputs.length, data.outputs.length);
  const at = data[side].findIndex((port) => port.name === name);
  return h - FOOT - (rows - Math.max(0, at)) * ROW + ROW / 2;
}

function runsOf(nodes: DrawnNode[], edges: DrawnEdge[]): Run[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  return edges.flatMap((edge): Run[] => {
    const [a, b] = [byId.get(edge.source), byId.get(edge.target)];
    if (edge.hidden || !a || !b) return [];
    const { from } = edgeData(edge);
    return [
      {
        id: edge.id,
        from,
        source: a.id,
        target: b.id,
        sx: a.position.x + sizeOf(a).w,
        sy: a.position.y + portAt(a, a.id === nodeOf(from) ? portOf(from) : null, "outputs"),
        tx: b.position.x,
        ty: b.position.y + portAt(b, edge.targetHandle, "inputs"),
      },
    ];
  });
}

export function useLanes({ nodes, edges }: Scene, lanes: Lanes): void {
  const held = nodes.some((node) => node.dragging);
  const last = useRef("");
  useEffect(() => {
    if (held) return;
    const timer = setTimeout(() => {
      const boxes = nodes.filter((node) => !node.hidden && (node.type === "box" || node.data.group)).filter(solid);
      const spans = boxes.map((node) => ({ id: node.id, ...node.position, ...sizeOf(node) }));
      const runs = runsOf(nodes, edges);
      // Most edits move nothing: a key in a prompt, an answer of Python.
      const now = JSON.stringify([spans, runs]);
      if (now === last.current) return;
      last.current = now;
      lanes.set(lanesOf(spans, runs));
    }, 30);
    return () => clearTimeout(timer);
  }, [nodes, edges, held, lanes]);
}

/** What a wire should not run behind: boxes, and groups that are folded. */
const solid = (node: DrawnNode): boolean =>
  node.type === "box" || !!(node.data.group as { folded?: boolean } | undefined)?.folded;
