// Which wire fits which port, and in which color. The rule is that of nodes/values.py.

import { Doc, catalog } from "./store";
import { Edge, Flow, Kind, NodeInstance, Port, nodeOf, portOf } from "./model";

export type Side = "in" | "out";
export interface End {
  node: string;
  port: string;
  side: Side;
}

export function fits(given: string[], taken: string[]): boolean {
  if (given.includes("any") || taken.includes("any")) return true;
  return given.every((g) => taken.some((t) => g === t || g.startsWith(t + "/")));
}

/** A port that gives several types may still fit in part; the first letter of the words is kept. */
export function words(types: string[]): string {
  const shown = types.slice(0, 4);
  return shown.join(", ").replace(/, ([^,]*)$/, " or $1") + (types.length > 4 ? " or more" : "");
}

const HUES: Record<string, string> = {
  text: "green",
  number: "blue",
  json: "amber",
  messages: "teal",
  documents: "orange",
  file: "brown",
  "chat model": "violet",
  embeddings: "pink",
  retriever: "rust",
  tool: "indigo",
  agent: "red",
  task: "rose",
  adapter: "magenta",
  table: "sky",
  chart: "lime",
  picture: "plum",
  any: "gray",
};
/** What does not hang on color: the outline of a port, and how its wires are dashed. */
export type Outline = "plain" | "record" | "model" | "tool";
const OUTLINES: Record<string, Outline> = {
  documents: "record",
  file: "record",
  table: "record",
  chart: "record",
  picture: "record",
  "chat model": "model",
  embeddings: "model",
  adapter: "model",
  retriever: "tool",
  tool: "tool",
  agent: "tool",
  task: "tool",
};

/** Round for plain values, square for records, a diamond for models, a triangle for what does something. */
export function outlineOf(types: string[]): Outline {
  if (types.includes("any") || types.length === 0 || types.length > 3) return "plain";
  return OUTLINES[types[0].split("/")[0]] ?? "plain";
}

/** The colors of types by name, for the check that those of one outline can be told apart. */
export const HUES_BY_OUTLINE = (): Record<Outline, string[]> => {
  const found: Record<Outline, string[]> = { plain: [], record: [], model: [], tool: [] };
  for (const [type, hue] of Object.entries(HUES)) if (type !== "any") found[OUTLINES[type] ?? "plain"].push(hue);
  return found;
};

const SPARE = ["violet", "teal", "orange", "indigo", "rose", "rust", "blue", "pink"];

export function colorOf(types: string[]): string {
  if (types.includes("any") || types.length === 0) return "var(--pb-gray)";
  const family = types[0].split("/")[0];
  if (types.length > 3) return "var(--pb-green)"; // whatever a prompt can write out
  let hash = 0;
  for (const letter of family) hash = (hash * 31 + letter.charCodeAt(0)) >>> 0;
  return `var(--pb-${HUES[family] ?? SPARE[hash % SPARE.length]})`;
}

const FAMILY_HUES = [
  "blue",
  "green",
  "violet",
  "orange",
  "teal",
  "red",
  "amber",
  "indigo",
  "pink",
  "brown",
  "lime",
  "sky",
];

let families: string[] = [];
let familiesOf = catalog.kinds;

export function familyColor(family: string): string {
  if (familiesOf !== catalog.kinds) {
    familiesOf = catalog.kinds;
    families = [...new Set(familiesOf.map((kind) => kind.family))];
  }
  const index = families.indexOf(family);
  return index < 0 ? "var(--pb-gray)" : `var(--pb-${FAMILY_HUES[index % FAMILY_HUES.length]})`;
}

/** What a node is called: by a person, else by the param that names it (a role), else as its kind. */
export const titleOf = (node: NodeInstance): string => node.title || untitled(node);

/** What a node is called that a person has given no title. */
export function untitled(node: NodeInstance): string {
  const kind = catalog.byKind.get(node.kind);
  const field = kind?.fields?.find((spec) => spec.name === kind.named_by);
  const named = field && (node.params?.[field.name] ?? field.default);
  const words = typeof named === "string" ? named.split(/\s+/).filter(Boolean).join(" ") : "";
  return words || kind?.title || node.kind;
}

/** Whether what is known of a node for the same inputs is always used instead of running it. */
export const isKept = (node: NodeInstance): boolean => node.run?.cache === "always";

/** The flow that a node runs, by the name of its file; "" where it runs none. */
export function flowIn(node: NodeInstance): string {
  const field = catalog.byKind.get(node.kind)?.fields?.find((spec) => spec.shape === "flow");
  const named = field && node.params?.[field.name];
  return typeof named === "string" ? named : "";
}

export interface Ports {
  inputs: Port[];
  outputs: Port[];
}

/** The ports of a node: what Python says, else its kind's; and those that its wires name. */
export function portsOf(doc: Doc, node: NodeInstance): Ports {
  const kind = catalog.byKind.get(node.kind);
  const inputs = doc.foreseen.get(node.id)?.inputs ?? doc.views[node.id]?.inputs ?? kind?.inputs ?? [];
  return { inputs: withWired(doc.flow, node.id, inputs, "in"), outputs: outputsOf(doc, node) };
}

/** The ports of its right side alone. */
export function outputsOf(doc: Doc, node: NodeInstance): Port[] {
  const outputs = doc.views[node.id]?.outputs ?? catalog.byKind.get(node.kind)?.outputs ?? [];
  return withWired(doc.flow, node.id, outputs, "out");
}

const wiredPorts = new WeakMap<Edge[], Map<string, Set<string>>>();

function wired(flow: Flow): Map<string, Set<string>> {
  let found = wiredPorts.get(flow.edges);
  if (!found) {
    found = new Map();
    for (const edge of flow.edges) {
      for (const key of [`out ${edge.from}`, `in ${edge.to}`]) {
        const [side, end] = key.split(" ");
        const owner = `${side} ${nodeOf(end)}`;
        found.set(owner, (found.get(owner) ?? new Set()).add(portOf(end)));
      }
    }
    wiredPorts.set(flow.edges, found);
  }
  return found;
}

export function isWired(flow: Flow, end: End): boolean {
  return wired(flow).get(`${end.side} ${end.node}`)?.has(end.port) ?? false;
}

/** Whether an input takes one more wire. */
export const isOpen = (flow: Flow, node: string, port: Port): boolean =>
  !!port.many || !isWired(flow, { node, port: port.name, side: "in" });

/** The wire that an input has; the last one where it has several. */
export function wireInto(flow: Flow, end: End): Edge | undefined {
  return flow.edges.findLast((edge) => edge.to === `${end.node}.${end.port}`);
}

function withWired(flow: Flow, id: string, ports: Port[], side: Side): Port[] {
  const names = wired(flow).get(`${side} ${id}`);
  if (!names) return ports;
  const extra = [...names].filter((name) => !ports.some((port) => port.name === name));
  // A wire into a port that is gone stays visible, so that a person can re-plug it.
  return extra.length
    ? [...ports, ...extra.map((name) => ({ name, types: [], doc: "This port is not there (any more)." }))]
    : ports;
}

export function portAt(doc: Doc, end: End): Port | undefined {
  const node = doc.flow.nodes.find((n) => n.id === end.node);
  if (!node) return undefined;
  const ports = portsOf(doc, node);
  return (end.side === "in" ? ports.inputs : ports.outputs).find((port) => port.name === end.port);
}

/** Everything downstream of a node, itself included. */
export function downstream(flow: Flow, start: string): Set<string> {
  const next = new Map<string, string[]>();
  for (const edge of flow.edges) {
    const from = nodeOf(edge.from);
    next.set(from, [...(next.get(from) ?? []), nodeOf(edge.to)]);
  }
  const seen = new Set([start]);
  const queue = [start];
  while (queue.length) {
    for (const node of next.get(queue.pop() as string) ?? []) {
      if (!seen.has(node)) {
        seen.add(node);
        queue.push(node);
      }
    }
  }
  return seen;
}

export interface Dragged {
  from: End;
  port: Port;
  below: Set<string>;
  above: Set<string>;
  old?: Edge;
}

export function upstream(flow: Flow, start: string): Set<string> {
  const turned = flow.edges.map((e) => ({ from: e.to, to: e.from }));
  return downstream({ ...flow, edges: turned }, start);
}

/** Why a wire may not end in a port; "" when it may. */
export function refusal(doc: Doc, dragged: Dragged, end: End, port: Port): string {
  const { from } = dragged;
  if (from.side === end.side)
    return from.side === "out" ? "An output goes into an input." : "An input takes an output.";
  if (from.node === end.node) return "A node cannot be wired to itself.";
  const circle = from.side === "out" ? dragged.above.has(end.node) : dragged.below.has(end.node);
  if (circle) return "That would go round in a circle.";
  const [out, into] = from.side === "out" ? [dragged.port, port] : [port, dragged.port];
  if (!out.types.length || !into.types.length) return "This port is not there any more.";
  if (!fits(out.types, into.types)) {
    return `"${out.name}" gives ${words(out.types)}, but "${into.name}" takes ${words(into.types)}.`;
  }
  const edge = edgeOf(from, end);
  const known = doc.flow.edges.some((e) => e.from === edge.from && e.to === edge.to);
  const itself = dragged.old && dragged.old.from === edge.from && dragged.old.to === edge.to;
  return known && !itself ? "These two are wired already." : "";
}

export function edgeOf(a: End, b: End): Edge {
  const [out, into] = a.side === "out" ? [a, b] : [b, a];
  return { from: `${out.node}.${out.port}`, to: `${into.node}.${into.port}` };
}

/** The first port of a kind that a wire fits. */
export function fittingPort(kind: Kind, dragged: Dragged): Port | undefined {
  return dragged.from.side === "out"
    ? kind.inputs.find((port) => fits(dragged.port.types, port.types))
    : kind.outputs.find((port) => fits(port.types, dragged.port.types));
}

export function dragFrom(doc: Doc, from: End, old?: Edge): Dragged | null {
  const port = portAt(doc, from);
  if (!port) return null;
  const flow = old
    ? { ...doc.flow, edges: doc.flow.edges.filter((e) => e.from !== old.from || e.to !== old.to) }
    : doc.flow;
  return { from, port, below: downstream(flow, from.node), above: upstream(flow, from.node), old };
}
