// Copy and paste as JSON text, so that it works between flows, windows and text editors.

import type { Node as DrawnNode } from "@xyflow/react";
import { snap } from "./arrange";
import { NOTE, type Point } from "./edits";
import { type Rect, WIDTH, around, freeShift, guessHeight, sizeOf } from "./scene";
import { catalog } from "./store";
import { Edge, Flow, Group, NodeInstance, Note, Op, Place, freshId, ids, nodeOf, portOf, whole } from "./model";

const NAME = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;
let memory = "";

export const remembered = (): string => memory;

export function copyText(flow: Flow, chosen: Set<string>): string {
  const groups = flow.groups.filter((g) => chosen.has(g.id));
  const inside = new Set([...chosen, ...groups.flatMap((g) => g.nodes ?? [])]);
  const nodes = flow.nodes.filter((n) => inside.has(n.id));
  const notes = flow.notes.filter((n) => inside.has(n.id));
  if (!nodes.length && !notes.length) return "";
  const known = new Set(nodes.map((n) => n.id));
  const part: Partial<Flow> = {
    nodes,
    edges: flow.edges.filter((e) => known.has(nodeOf(e.from)) && known.has(nodeOf(e.to))),
    notes,
    groups,
    layout: Object.fromEntries(Object.entries(flow.layout).filter(([id]) => inside.has(id))),
  };
  memory = JSON.stringify({ format: 1, ...part }, null, 2);
  return memory;
}

/** A flow, or a part of one, from text; null when it is none. The server checks it again. */
export function parsePart(text: string): Flow | null {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof data !== "object" || data === null || !Array.isArray((data as Flow).nodes)) return null;
  const part = whole(data as Partial<Flow>);
  const named = (items: unknown[]) =>
    Array.isArray(items) && items.every((i) => NAME.test(String((i as NodeInstance)?.id ?? "")));
  const sound =
    named(part.nodes) &&
    named(part.notes) &&
    named(part.groups) &&
    Array.isArray(part.edges) &&
    part.nodes.every((n) => typeof n.kind === "string") &&
    part.edges.every((e) => typeof e?.from === "string" && typeof e?.to === "string");
  return sound && (part.nodes.length || part.notes.length) ? part : null;
}

/** Where the boxes of a part lie: as large as they are drawn, where they are, else as their kinds suggest. */
function boxesOf(part: Flow, drawn: DrawnNode[]): Rect[] {
  const known = new Map(drawn.map((node) => [node.id, node]));
  const of = (id: string, w: number, h: number): Rect[] => {
    const at = part.layout[id];
    const node = known.get(id);
    return at ? [{ x: at.x, y: at.y, w: at.w ?? w, h: at.h ?? (node ? sizeOf(node).h : h) }] : [];
  };
  return [
    ...part.nodes.flatMap(({ id, kind }) => {
      const { inputs = [], outputs = [], summary } = catalog.byKind.get(kind) ?? {};
      return of(id, WIDTH, guessHeight(inputs.length, outputs.length, !!summary));
    }),
    ...part.notes.flatMap(({ id }) => of(id, NOTE.w, NOTE.h)),
  ];
}

/** The operations that put a part on the canvas with fresh ids, the ids it got, and where it lies: around a point, or
 * beside where it was; on nothing that is drawn. */
export function pasteOps(
  flow: Flow,
  part: Flow,
  at: Point | null,
  drawn: DrawnNode[] = [],
): { op: Op; added: string[]; box: Rect | null } {
  const taken = ids(flow);
  const names = new Map<string, string>();
  for (const item of [...part.nodes, ...part.notes, ...part.groups]) {
    const id = freshId(item.id.replace(/-\d+$/, ""), taken);
    taken.add(id);
    names.set(item.id, id);
  }
  const boxes = boxesOf(part, drawn);
  const all = around(boxes);
  const wish = at && all ? { x: snap(at.x - all.x - all.w / 2), y: snap(at.y - all.y - all.h / 2) } : { x: 0, y: 0 };
  const moved = boxes.map((box) => ({ ...box, x: box.x + wish.x, y: box.y + wish.y }));
  const more = freeShift(drawn, moved);
  const shift = { x: wish.x + more.x, y: wish.y + more.y };
  const placed = (id: string): Place => {
    const old = part.layout[id];
    return old
      ? { ...old, x: Math.round(old.x + shift.x), y: Math.round(old.y + shift.y) }
      : { x: at?.x ?? 0, y: at?.y ?? 0 };
  };
  const name = (id: string): string => names.get(id) ?? id;
  const ops: Op[] = [
    ...part.nodes.map((node): Op => ({ op: "add_node", node: { ...node, id: name(node.id) }, at: placed(node.id) })),
    ...part.edges
      .filter((e: Edge) => names.has(nodeOf(e.from)) && names.has(nodeOf(e.to)))
      .map((e): Op => ({
        op: "connect",
        from: `${name(nodeOf(e.from))}.${portOf(e.from)}`,
        to: `${name(nodeOf(e.to))}.${portOf(e.to)}`,
      })),
    ...part.notes.map((note: Note): Op => ({
      op: "add_note",
      note: { ...note, id: name(note.id) },
      at: placed(note.id),
    })),
    ...part.groups.map((group: Group): Op => ({
      op: "group",
      group: { ...group, id: name(group.id), nodes: (group.nodes ?? []).filter((n) => names.has(n)).map(name) },
      ...(part.layout[group.id] && { at: placed(group.id) }),
    })),
  ];
  const box = all && { ...all, x: all.x + shift.x, y: all.y + shift.y };
  return { op: { op: "batch", ops, label: "paste" }, added: [...names.values()], box };
}
