// Copy and paste as JSON text, so that it works between flows, windows and text editors.

import { snap } from "./arrange";
import { WIDTH } from "./scene";
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

/** The operations that put a part on the canvas with fresh ids, and the ids it got. */
export function pasteOps(flow: Flow, part: Flow, at: { x: number; y: number } | null): { op: Op; added: string[] } {
  const taken = ids(flow);
  const names = new Map<string, string>();
  for (const item of [...part.nodes, ...part.notes, ...part.groups]) {
    const id = freshId(item.id.replace(/-\d+$/, ""), taken);
    taken.add(id);
    names.set(item.id, id);
  }
  const places = Object.values(part.layout);
  const left = Math.min(...places.map((p) => p.x)),
    top = Math.min(...places.map((p) => p.y));
  const right = Math.max(...places.map((p) => p.x + (p.w ?? WIDTH))),
    bottom = Math.max(...places.map((p) => p.y + (p.h ?? 110)));
  const shift =
    at && places.length ? { x: snap(at.x - (left + right) / 2), y: snap(at.y - (top + bottom) / 2) } : { x: 32, y: 32 };
  const there = new Set(Object.values(flow.layout).map((p) => `${p.x},${p.y}`));
  while (places.some((p) => there.has(`${Math.round(p.x + shift.x)},${Math.round(p.y + shift.y)}`))) {
    shift.x += 32;
    shift.y += 32;
  }
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
  return { op: { op: "batch", ops, label: "paste" }, added: [...names.values()] };
}
