// "Start with these five" on an empty canvas: a flow that runs, as one edit.

import { Edge, Kind, Op, freshId } from "./model";

const COLUMN = 336;
const ROW = 176;

interface Part {
  kind: string;
  column: number;
  row: number;
  params?: Record<string, string>;
}
const PARTS: Record<string, Part> = {
  question: { kind: "io.input", column: 0, row: 0, params: { name: "question", default: "What is a patchbay?" } },
  prompt: {
    kind: "prompt.template",
    column: 1,
    row: 0,
    params: { template: "Answer in one short sentence.\n\n{question}" },
  },
  model: { kind: "model.gguf", column: 1, row: 1 },
  ask: { kind: "model.ask", column: 2, row: 0 },
  answer: { kind: "io.output", column: 3, row: 0, params: { name: "answer" } },
};
const WIRES: [from: string, to: string][] = [
  ["question.value", "prompt.question"],
  ["prompt.text", "ask.prompt"],
  ["model.model", "ask.model"],
  ["ask.text", "answer.value"],
];

/** The five and their wires; null where a kind of them is not installed. */
export function starterOp(kinds: Map<string, Kind>, taken: Set<string>): { op: Op; ids: string[] } | null {
  const ids: Record<string, string> = {};
  const ops: Op[] = [];
  for (const [name, part] of Object.entries(PARTS)) {
    const kind = kinds.get(part.kind);
    if (!kind || kind.install) return null;
    ids[name] = freshId(name, taken);
    taken.add(ids[name]);
    const node = {
      ...{ id: ids[name], kind: part.kind, version: kind.version },
      ...(part.params && { params: part.params }),
    };
    ops.push({ op: "add_node", node, at: { x: part.column * COLUMN, y: part.row * ROW } });
  }
  const end = (words: string): string => {
    const [name, port] = words.split(".");
    return `${ids[name]}.${port}`;
  };
  for (const [from, to] of WIRES) {
    const edge: Edge = { from: end(from), to: end(to) };
    ops.push({ op: "connect", ...edge });
  }
  return { op: { op: "batch", ops, label: "start with five nodes" }, ids: Object.values(ids) };
}
