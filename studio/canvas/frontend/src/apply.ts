// What every operation does: the twin of flows/document/edit.py, held to it by tests/browser/test_canvas_twin.py.

import { Edge, Flow, Group, NodeInstance, Op, Slot, edgeKey, ids, nodeOf, whole } from "./model";

export class EditError extends Error {}

type Of<K extends Op["op"]> = Extract<Op, { op: K }>;
/** One for each operation: an operation without a handler does not compile. */
type Handlers = { [K in Op["op"]]: (flow: Flow, op: Of<K>) => Flow };

export function apply(flow: Flow, op: Op): Flow {
  const handler = HANDLERS[op.op] as (flow: Flow, op: Op) => Flow;
  return handler(flow, op);
}

function claim(flow: Flow, id: string): void {
  if (ids(flow).has(id)) throw new EditError(`There is already something called "${id}" here.`);
}

function node(flow: Flow, id: string): NodeInstance {
  const found = flow.nodes.find((n) => n.id === id);
  if (!found) throw new EditError(`There is no node "${id}".`);
  return found;
}

function withNode(flow: Flow, id: string, change: (n: NodeInstance) => NodeInstance): Flow {
  node(flow, id);
  return { ...flow, nodes: flow.nodes.map((n) => (n.id === id ? change(n) : n)) };
}

function checkWire(flow: Flow, edge: Edge): void {
  node(flow, nodeOf(edge.from));
  node(flow, nodeOf(edge.to));
  if (nodeOf(edge.from) === nodeOf(edge.to)) {
    throw new EditError(`"${nodeOf(edge.from)}" cannot be wired to itself.`);
  }
}

const same = (a: Edge, b: Edge): boolean => a.from === b.from && a.to === b.to;

function leaveGroups(groups: Group[], members: Set<string>): Group[] {
  return groups.map((g) =>
    g.nodes?.some((n) => members.has(n)) ? { ...g, nodes: g.nodes.filter((n) => !members.has(n)) } : g,
  );
}

function place(flow: Flow, id: string, at: Flow["layout"][string] | null | undefined): Flow["layout"] {
  return at ? { ...flow.layout, [id]: at } : flow.layout;
}

function put<T>(items: T[], slots: Slot<T>[] | undefined, keyOf: (item: T) => string): T[] {
  if (!slots?.length) return items;
  const gone = new Set(slots.filter((s) => s.value == null).map((s) => s.key));
  const changed = new Map(slots.filter((s) => s.value != null && s.index == null).map((s) => [s.key, s.value as T]));
  const result: T[] = [];
  for (const item of items) {
    const key = keyOf(item);
    if (gone.has(key)) continue;
    const value = changed.get(key);
    changed.delete(key);
    result.push(value ?? item);
  }
  if (changed.size) throw new EditError(`"${[...changed.keys()].join(", ")}" is no longer there.`);
  const present = new Set(result.map(keyOf));
  const inserts = slots.filter((s) => s.index != null);
  for (const slot of inserts.sort((a, b) => (a.index ?? 0) - (b.index ?? 0))) {
    if (present.has(slot.key)) throw new EditError(`"${slot.key}" is there already.`);
    if (slot.value != null) result.splice(slot.index ?? 0, 0, slot.value);
  }
  return result;
}

const HANDLERS: Handlers = {
  add_node(flow, op) {
    claim(flow, op.node.id);
    return { ...flow, nodes: [...flow.nodes, op.node], layout: place(flow, op.node.id, op.at) };
  },
  remove(flow, op) {
    const nodes = new Set(op.nodes),
      notes = new Set(op.notes),
      groups = new Set(op.groups);
    const edges = new Set((op.edges ?? []).map(edgeKey));
    const gone = new Set([...nodes, ...notes, ...groups]);
    const there = ids(flow);
    if (![...gone].some((id) => there.has(id)) && !flow.edges.some((e) => edges.has(edgeKey(e)))) {
      throw new EditError("What should be removed is not there any more.");
    }
    return {
      ...flow,
      nodes: flow.nodes.filter((n) => !nodes.has(n.id)),
      edges: flow.edges.filter((e) => !edges.has(edgeKey(e)) && !nodes.has(nodeOf(e.from)) && !nodes.has(nodeOf(e.to))),
      notes: flow.notes.filter((n) => !notes.has(n.id)),
      groups: leaveGroups(
        flow.groups.filter((g) => !groups.has(g.id)),
        nodes,
      ),
      layout: Object.fromEntries(Object.entries(flow.layout).filter(([key]) => !gone.has(key))),
    };
  },
  connect(flow, op) {
    const wire: Edge = { from: op.from, to: op.to };
    checkWire(flow, wire);
    if (flow.edges.some((e) => same(e, wire))) throw new EditError(`"${op.from}" is already wired to "${op.to}".`);
    return { ...flow, edges: [...flow.edges.filter((e) => !(op.replace && e.to === op.to)), wire] };
  },
  disconnect(flow, op) {
    const edges = flow.edges.filter((e) => !same(e, op));
    if (edges.length === flow.edges.length) throw new EditError(`There is no wire from "${op.from}" to "${op.to}".`);
    return { ...flow, edges };
  },
  replug(flow, op) {
    if (!flow.edges.some((e) => same(e, op.old))) {
      throw new EditError(`There is no wire from "${op.old.from}" to "${op.old.to}".`);
    }
    if (same(op.old, op.new)) return flow;
    checkWire(flow, op.new);
    if (flow.edges.some((e) => same(e, op.new))) {
      throw new EditError(`"${op.new.from}" is already wired to "${op.new.to}".`);
    }
    const kept = flow.edges.filter((e) => same(e, op.old) || !(op.replace && e.to === op.new.to));
    return { ...flow, edges: kept.map((e) => (same(e, op.old) ? op.new : e)) };
  },
  set_params(flow, op) {
    return withNode(flow, op.node, (n) => {
      const kept = Object.entries(n.params ?? {}).filter(([key]) => !op.unset?.includes(key));
      return { ...n, params: { ...Object.fromEntries(kept), ...op.params } };
    });
  },
  rename: (flow, op) => withNode(flow, op.node, (n) => ({ ...n, title: op.title || null })),
  set_run: (flow, op) => withNode(flow, op.node, (n) => ({ ...n, run: { ...n.run, ...op.run } })),
  disable: (flow, op) =>
    op.nodes.reduce((f, id) => withNode(f, id, (n) => ({ ...n, disabled: op.disabled ?? true })), flow),
  set_id(flow, op) {
    node(flow, op.node);
    if (op.id === op.node) return flow;
    claim(flow, op.id);
    const end = (e: string) => (nodeOf(e) === op.node ? op.id + e.slice(e.indexOf(".")) : e);
    const key = (id: string) => (id === op.node ? op.id : id);
    return {
      ...withNode(flow, op.node, (n) => ({ ...n, id: op.id })),
      edges: flow.edges.map((e) => ({ from: end(e.from), to: end(e.to) })),
      groups: flow.groups.map((g) => ({ ...g, ...(g.nodes && { nodes: g.nodes.map(key) }) })),
      layout: Object.fromEntries(Object.entries(flow.layout).map(([id, at]) => [key(id), at])),
    };
  },
  move(flow, op) {
    const there = ids(flow);
    const layout = { ...flow.layout };
    let moved = false;
    for (const [id, at] of Object.entries(op.places)) {
      if (!there.has(id)) continue;
      const old = layout[id] ?? at;
      const fresh: typeof at = { x: at.x, y: at.y };
      if (at.w || old.w) fresh.w = at.w || old.w;
      if (at.h || old.h) fresh.h = at.h || old.h;
      layout[id] = fresh;
      moved = true;
    }
    if (!moved) throw new EditError("What should be moved is not there any more.");
    return { ...flow, layout };
  },
  add_note(flow, op) {
    claim(flow, op.note.id);
    return { ...flow, notes: [...flow.notes, op.note], layout: place(flow, op.note.id, op.at) };
  },
  edit_note(flow, op) {
    if (!flow.notes.some((n) => n.id === op.note)) throw new EditError(`There is no note "${op.note}".`);
    const update = { ...(op.text != null && { text: op.text }), ...(op.color != null && { color: op.color }) };
    return { ...flow, notes: flow.notes.map((n) => (n.id === op.note ? { ...n, ...update } : n)) };
  },
  group(flow, op) {
    claim(flow, op.group.id);
    op.group.nodes?.forEach((id) => node(flow, id));
    const others = leaveGroups(flow.groups, new Set(op.group.nodes));
    return { ...flow, groups: [...others, op.group], layout: place(flow, op.group.id, op.at) };
  },
  edit_group(flow, op) {
    if (!flow.groups.some((g) => g.id === op.group)) throw new EditError(`There is no group "${op.group}".`);
    op.nodes?.forEach((id) => node(flow, id));
    const update = {
      ...(op.title != null && { title: op.title }),
      ...(op.folded != null && { folded: op.folded }),
      ...(op.nodes != null && { nodes: op.nodes }),
    };
    const others = leaveGroups(flow.groups, new Set(op.nodes));
    return { ...flow, groups: others.map((g) => (g.id === op.group ? { ...g, ...update } : g)) };
  },
  set_meta: (flow, op) => ({
    ...flow,
    ...(op.name != null && { name: op.name }),
    ...(op.description != null && { description: op.description }),
    ...(op.variables != null && { variables: op.variables }),
  }),
  replace: (_flow, op) => whole(op.flow),
  patch(flow, op) {
    const layout = { ...flow.layout };
    for (const [id, at] of Object.entries(op.layout ?? {})) {
      if (at) layout[id] = at;
      else delete layout[id];
    }
    return {
      ...flow,
      ...(op.name != null && { name: op.name }),
      ...(op.description != null && { description: op.description }),
      ...(op.variables != null && { variables: op.variables }),
      nodes: put(flow.nodes, op.nodes, (n) => n.id),
      edges: put(flow.edges, op.edges, edgeKey),
      notes: put(flow.notes, op.notes, (n) => n.id),
      groups: put(flow.groups, op.groups, (g) => g.id),
      layout: op.layout ? layout : flow.layout,
    };
  },
  batch: (flow, op) => op.ops.reduce(apply, flow),
  // These two happen on the server, which knows what they take back.
  undo: (flow) => flow,
  redo: (flow) => flow,
};
