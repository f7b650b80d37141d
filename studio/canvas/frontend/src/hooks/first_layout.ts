// Nodes that lie nowhere are laid out once, when their flow is first opened.

import { useEffect } from "react";
import { layoutOp } from "../edits";
import { boxOf } from "../scene";
import type { Doc } from "../store";
import type { Op } from "../model";
import type { Places } from "./places";
import type { Scene } from "./scene";

/** How long a whole drawing may take to be measured, in ms. */
const DRAWN_MS = 60;
const BELOW = 64;

const done = new Set<string>();

export function useFirstLayout(doc: Doc, scene: Scene, places: Places): void {
  const { flow, ready, readonly } = doc;
  const due = ready && !readonly && flow.nodes.length > 1 && flow.nodes.some((node) => !flow.layout[node.id]);
  useEffect(() => {
    if (!due || done.has(doc.id)) return;
    done.add(doc.id);
    const lay = async () => {
      const lost = doc.flow.nodes.filter((node) => !doc.flow.layout[node.id]).map((node) => node.id);
      const op = await layoutOp(doc, scene.nodesNow(), new Set(lost), places.shape());
      const still = lost.every((id) => !doc.flow.layout[id]); // somebody else may have been quicker
      const kept = boxOf(scene.nodesNow().filter((node) => doc.flow.layout[node.id]));
      if (op && still) doc.dispatch(kept ? lowered(op, kept.x, kept.y + kept.h + BELOW) : op);
      setTimeout(() => places.fit(0), DRAWN_MS);
    };
    const failed = (error: unknown) => {
      done.delete(doc.id); // tried again when the flow is opened again
      doc.say(error instanceof Error ? error.message : String(error));
    };
    setTimeout(() => void lay().catch(failed), DRAWN_MS);
  }, [due, doc]);
}

/** Places from (0, 0) on, below what lies there. */
function lowered(op: Op, x: number, y: number): Op {
  if (op.op === "batch") return { ...op, ops: op.ops.map((one) => lowered(one, x, y)) };
  if (op.op !== "move") return op;
  const moved = Object.entries(op.places).map(([id, at]) => [id, { ...at, x: at.x + x, y: at.y + y }]);
  return { ...op, places: Object.fromEntries(moved) as typeof op.places };
}
