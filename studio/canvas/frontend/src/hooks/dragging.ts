// Nodes, notes and groups in the hand: what moves along, what they would join, and the edit that comes of it.

import {
  type EdgeChange,
  type Node as DrawnNode,
  type NodeChange,
  applyEdgeChanges,
  applyNodeChanges,
} from "@xyflow/react";
import { useCallback } from "react";
import { useShared } from "../context";
import { type Point, insertOps, joinOp, moveOp, wayForNode } from "../edits";
import type { Op, Place } from "../model";
import type { NodeData } from "../node";
import { type Frame, edgeData, frameGroups, frameUnder, groupData, shifted } from "../scene";
import type { Doc } from "../store";
import type { Places } from "./places";
import type { Scene } from "./scene";
import { useStable } from "./stable";

/** The handlers of `<ReactFlow>` that concern moving. */
export function useDragging(doc: Doc, scene: Scene, places: Places) {
  const { ui } = useShared();
  const { setNodes, setEdges, nodesNow, edgesNow, dispatch, letGo } = scene;

  const onNodesChange = useCallback(
    (changes: NodeChange[]) => {
      // The end of a drag, and nothing moves. The edit goes out before anything is drawn; see onNodeDragStop.
      if (changes.every((change) => change.type === "position" && change.dragging === false)) {
        return letGo("with the next drawing");
      }
      setNodes((old) => moved(old, changes));
    },
    [letGo, setNodes],
  );
  const onEdgesChange = useCallback(
    (changes: EdgeChange[]) =>
      setEdges((old) =>
        applyEdgeChanges(
          changes.filter((c) => c.type !== "remove"),
          old,
        ),
      ),
    [setEdges],
  );
  const onNodeDrag = useStable((event: unknown, node: DrawnNode, dragged: DrawnNode[]) => {
    const { clientX, clientY } = event as MouseEvent;
    const loose = dragged.length === 1 && node.type === "box" && !(node.data as NodeData).wired;
    const edge = loose ? places.wireUnder(clientX, clientY) : undefined;
    const dropWire = edge && wayForNode(doc, edgeData(edge), node.id) ? edge.id : "";
    const boxes = dragged.every((n) => n.type === "box");
    const dropGroup = boxes ? frameUnder(nodesNow(), dragged, places.toFlow(clientX, clientY)) : "";
    if (ui.dropWire !== dropWire || ui.dropGroup !== dropGroup) ui.set({ dropWire, dropGroup });
  });
  const onNodeDragStop = useStable((_event: unknown, _node: DrawnNode, dragged: DrawnNode[]) => {
    const wire = edgesNow().find((e) => e.id === ui.dropWire);
    const group = ui.dropGroup;
    if (ui.dropWire || group) ui.set({ dropWire: "", dropGroup: "" });
    const move = moveOp(placesAfter(doc, nodesNow(), dragged));
    const way = wire && dragged.length === 1 ? wayForNode(doc, edgeData(wire), dragged[0].id) : null;
    const more: Op[] = wire && way ? insertOps(edgeData(wire), dragged[0].id, way) : [];
    if (group)
      more.push(
        joinOp(
          doc,
          group,
          dragged.map((n) => n.id),
        ),
      );
    const label = group ? "move into the group" : "insert on wire";
    const op: Op | null = move && more.length ? { op: "batch", ops: [move, ...more], label } : move;
    if (!dispatch(op)) letGo("now");
  });
  const onSelectionDragStop = useStable((event: unknown, dragged: DrawnNode[]) =>
    onNodeDragStop(event, dragged[0], dragged),
  );
  return { onNodesChange, onEdgesChange, onNodeDrag, onNodeDragStop, onSelectionDragStop };
}

/** The nodes after React Flow's changes: a group takes along what is in it, and its frame. */
function moved(old: DrawnNode[], changes: NodeChange[]): DrawnNode[] {
  const listed = new Set(changes.map((c) => ("id" in c ? c.id : "")));
  const resized = new Set(changes.map((c) => (c.type === "dimensions" ? c.id : "")));
  const more: NodeChange[] = [];
  const shifts = new Map<string, Point>();
  for (const change of changes) {
    if (change.type !== "position" || !change.position || resized.has(change.id)) continue;
    const group = old.find((n) => n.id === change.id && n.type === "group_");
    if (!group) continue;
    const by = { x: change.position.x - group.position.x, y: change.position.y - group.position.y };
    shifts.set(group.id, by);
    const inside = new Set(groupData(group).nodes);
    for (const node of old) {
      if (!inside.has(node.id) || listed.has(node.id)) continue;
      const position = { x: node.position.x + by.x, y: node.position.y + by.y };
      more.push({ type: "position", id: node.id, dragging: change.dragging, position });
    }
  }
  const after = applyNodeChanges([...changes.filter((c) => c.type !== "remove"), ...more], old);
  return frameGroups(after.map((n) => shifted(n, shifts.get(n.id))));
}

/** The new places of what was dragged and of what lies in dragged groups; of groups that have one, the frame's. */
function placesAfter(doc: Doc, drawn: DrawnNode[], dragged: DrawnNode[]): Record<string, Place> {
  const places: Record<string, Place> = {};
  const now = new Map([...drawn, ...dragged].map((n) => [n.id, n]));
  const groups = dragged.filter((n) => n.type === "group_");
  const inside = groups.flatMap((n) => groupData(n).nodes ?? []);
  for (const id of new Set([...dragged.filter((n) => n.type !== "group_").map((n) => n.id), ...inside])) {
    const node = now.get(id);
    const old = doc.flow.layout[id];
    if (!node || (old && old.x === node.position.x && old.y === node.position.y)) continue;
    places[id] = { x: Math.round(node.position.x), y: Math.round(node.position.y) };
  }
  for (const group of groups) {
    const frame = drawn.find((n) => n.id === group.id)?.data.frame as Frame | undefined;
    if (frame) places[group.id] = { x: Math.round(frame.x), y: Math.round(frame.y) };
  }
  return places;
}
