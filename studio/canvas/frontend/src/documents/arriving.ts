// Documents that are on their way belong to their flow: they arrive there whatever page is open meanwhile.

import type { Point } from "../edits";
import { type Spot } from "../files";
import { WIDTH } from "../scene";
import type { Doc } from "../store";
import { Intake, type Received, sendTo } from "./intake";
import { bringing } from "./nodes";

/** What has them read where they were let go. */
export interface Taker {
  bring(received: Received[], spot: Spot): void;
}
export interface Arriving {
  intake: Intake;
  /** The canvas of this flow; its `current` is null while another page is open. */
  canvas: { readonly current: Taker | null };
}

// At module level, as the documents in store.ts: a page that is left does not lose what it waits for.
const all = new WeakMap<Doc, Arriving>();

export function arrivingFor(doc: Doc): Arriving {
  let found = all.get(doc);
  if (!found)
    all.set(doc, (found = { intake: new Intake(sendTo(() => doc.at("documents"))), canvas: { current: null } }));
  return found;
}

/** Have nodes read what has arrived, by the canvas if it is there. */
export function arrived(doc: Doc, received: Received[], spot: Spot): void {
  const canvas = arrivingFor(doc).canvas.current;
  if (canvas) return canvas.bring(received, spot);
  const { op, say } = bringing(doc, received, freePlace(doc));
  if (op) doc.dispatch(op);
  if (say) doc.say(say);
}

/** How tall a node may be that nobody has drawn. */
const TALL = 400;

/** Below all that lies somewhere. */
function freePlace(doc: Doc): Point {
  const places = Object.values(doc.flow.layout);
  if (!places.length) return { x: doc.flow.nodes.length ? -WIDTH - 64 : 0, y: 0 };
  return {
    x: Math.min(...places.map((at) => at.x)),
    y: Math.max(...places.map((at) => at.y + (at.h ?? TALL))) + 64,
  };
}
