// The nodes that read what has arrived: a new one, or one that reads the place already.

import { type Point, nodeOp } from "../edits";
import { type Json, type Kind, type NodeInstance, type Op, freshId, ids } from "../model";
import { type Rect, WIDTH, guessHeight } from "../scene";
import { type Doc, catalog } from "../store";
import { edgeOf, fits, isOpen, portsOf } from "../types";
import type { Received } from "./intake";

/** The kind that reads documents. */
export const LOAD = "retrieval.load";
/** The first folder of documents that were given to a flow; the second is the flow's own. */
const OURS = "documents/";
/** More pictures than this do not become nodes: their folder is named. */
const MOST_PICTURES = 6;

export interface Bringing {
  op: Op | null;
  /** What is selected then. */
  show: string[];
  /** Where the new nodes lie. */
  boxes: Rect[];
  /** What is said; "" where the new nodes say it. */
  say: string;
}

/** What to do with files that have arrived. `onto`: the node that they were let go over. */
export function bringing(doc: Doc, received: Received[], at: Point, onto?: string): Bringing {
  const documents = received.filter((one) => one.kind === LOAD).map((one) => one.path);
  const pictures = received.filter((one) => one.kind === "io.picture").map((one) => one.path);
  const ops: Op[] = [];
  const show: string[] = [];
  const said: string[] = [];
  if (documents.length) {
    const reader = readerOf(doc, documents, onto);
    if (reader) {
      const path = reader.params?.path as string | undefined;
      const whole = common([...(path ? [path] : []), ...documents]);
      if (whole !== path) ops.push({ op: "set_params", node: reader.id, params: { path: whole } });
      show.push(reader.id);
      said.push(
        `${count(documents.length, "document")} for ${reader.title || "Load documents"}, in ${common(documents)}.`,
      );
    } else {
      const made = reading(doc, LOAD, documents.length === 1 ? documents[0] : common(documents), at);
      if (made) {
        ops.push(made.op, ...wireTo(doc, made, onto));
        show.push(made.id);
      }
    }
  }
  if (pictures.length > MOST_PICTURES) {
    said.push(`${pictures.length} pictures lie in ${common(pictures)}: name that folder in a Picture index.`);
  } else {
    pictures.forEach((path, index) => {
      const right = documents.length ? WIDTH + 48 : 0;
      const made = reading(doc, "io.picture", path, { x: at.x + right + index * (WIDTH + 48), y: at.y }, show);
      if (!made) return;
      ops.push(made.op, ...wireTo(doc, made, onto));
      show.push(made.id);
    });
  }
  const op: Op | null = ops.length > 1 ? { op: "batch", ops, label: "add documents" } : (ops[0] ?? null);
  return { op, show, say: said.join(" "), boxes: ops.flatMap(boxOf) };
}

/** Where a new node lies. */
function boxOf(op: Op): Rect[] {
  if (op.op !== "add_node" || !op.at) return [];
  const { inputs = [], outputs = [] } = catalog.byKind.get(op.node.kind) ?? {};
  return [{ x: op.at.x, y: op.at.y, w: WIDTH, h: guessHeight(inputs.length, outputs.length, true) }];
}

/** The folder that holds all of these: what they share, up to a slash; a single file as it is. */
export function common(paths: string[]): string {
  if (new Set(paths).size === 1) return paths[0];
  const folders = paths.map((path) => (/\.[^/.]+$/.test(path) ? path.split("/").slice(0, -1) : path.split("/")));
  let shared = folders[0];
  for (const folder of folders) {
    const differs = shared.findIndex((part, index) => part !== folder[index]);
    if (differs >= 0) shared = shared.slice(0, differs);
  }
  return shared.join("/");
}

/** The node that is to read them: the one under the pointer, or one that reads their folder already. */
function readerOf(doc: Doc, paths: string[], onto?: string): NodeInstance | undefined {
  const readers = doc.flow.nodes.filter((node) => node.kind === LOAD);
  const pathOf = (node: NodeInstance) => String(node.params?.path ?? "");
  const aimed = readers.find((node) => node.id === onto);
  if (aimed && (!pathOf(aimed) || pathOf(aimed).startsWith(OURS))) return aimed;
  return readers.find((node) => {
    const path = pathOf(node);
    return path.startsWith(OURS) && paths.every((one) => one === path || one.startsWith(`${path}/`));
  });
}

interface Made {
  op: Op;
  id: string;
  kind: Kind;
}

function reading(doc: Doc, kindName: string, path: string, at: Point, taken: string[] = []): Made | null {
  const kind = catalog.byKind.get(kindName);
  if (!kind) return null;
  const id = freshId(kind.title, new Set([...ids(doc.flow), ...taken]));
  const op = nodeOp(doc, kind, at).op as Extract<Op, { op: "add_node" }>;
  const params: Record<string, Json> = { path };
  return { op: { ...op, node: { ...op.node, id, params } }, id, kind };
}

/** A wire to the node that they were let go over, where it has a free port for what they give. */
function wireTo(doc: Doc, made: Made, onto?: string): Op[] {
  const node = doc.flow.nodes.find((one) => one.id === onto);
  const gives = made.kind.outputs[0];
  if (!node || !gives) return [];
  const port = portsOf(doc, node).inputs.find(
    (one) => one.types.length && fits(gives.types, one.types) && isOpen(doc.flow, node.id, one),
  );
  if (!port) return [];
  const edge = edgeOf({ node: made.id, port: gives.name, side: "out" }, { node: node.id, port: port.name, side: "in" });
  return [{ op: "connect", ...edge }];
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;
