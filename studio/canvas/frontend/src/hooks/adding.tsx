// New nodes: from the palette, by keyboard, out of a wire that was let go.

import type { Edge as DrawnEdge } from "@xyflow/react";
import { useCallback } from "react";
import type { Choice, Question } from "../chooser";
import { useShared } from "../context";
import { type Point, addWired, insertOps, nodeOp, usableKinds, wayThrough } from "../edits";
import { KindIcon } from "../icons";
import type { Kind, Op } from "../model";
import { firstSentence } from "../palette";
import { WIDTH, edgeData } from "../scene";
import type { Doc } from "../store";
import { type Dragged, familyColor, fittingPort } from "../types";
import type { Places } from "./places";
import type { Scene } from "./scene";

export interface Adding {
  addAtCentre: (kind: Kind) => void;
  /** A kind is dragged over a point of the page: the wire there lights up if it can be put on it. */
  aim: (kind: Kind, x: number, y: number) => void;
  /** A kind is let go at a point of the page. */
  drop: (kind: Kind, x: number, y: number) => void;
  /** Ask which node to add: where on the canvas to ask, and where in the flow to put it. */
  askNode: (at?: Point, spot?: Point) => void;
  /** Ask which node a wire should lead to, at a point of the page. */
  offer: (dragged: Dragged, x: number, y: number) => void;
}

export function useAdding(doc: Doc, scene: Scene, places: Places, ask: (question: Question) => void): Adding {
  const { ui } = useShared();
  const { dispatch } = scene;
  const { centre, inBox, onCanvas, toFlow, wireUnder } = places;
  const add = useCallback(
    (kind: Kind, at: Point, onto?: DrawnEdge) => {
      const made = nodeOp(doc, kind, at);
      const way = onto && wayThrough(doc, edgeData(onto), kind.inputs, kind.outputs);
      const ops = way ? [made.op, ...insertOps(edgeData(onto), made.id, way)] : [];
      const op: Op = way ? { op: "batch", ops, label: `insert ${kind.title}` } : made.op;
      dispatch(op, [made.id]);
    },
    [dispatch, doc],
  );
  const addAtCentre = useCallback((kind: Kind) => add(kind, centre()), [add, centre]);
  const aim = useCallback(
    (kind: Kind, x: number, y: number) => {
      const edge = wireUnder(x, y);
      const way = edge && wayThrough(doc, edgeData(edge), kind.inputs, kind.outputs);
      ui.set({ dropWire: way ? edge.id : "" });
    },
    [doc, ui, wireUnder],
  );
  const drop = useCallback(
    (kind: Kind, x: number, y: number) => {
      ui.set({ dropWire: "" });
      if (onCanvas(x, y)) add(kind, under(toFlow(x, y)), wireUnder(x, y));
    },
    [add, onCanvas, toFlow, ui, wireUnder],
  );
  const askNode = useCallback(
    (at?: Point, spot?: Point) => {
      const kinds = usableKinds();
      ask({
        title: "Add a node",
        placeholder: "What should it do?",
        empty: "The catalog is empty.",
        choices: kinds.map(choiceOf),
        at,
        pick: (key) =>
          add(
            kinds.find((k) => k.kind === key)!,
            spot ?? centre(),
          ),
      });
    },
    [add, ask, centre],
  );
  const offer = useCallback(
    (dragged: Dragged, x: number, y: number) => {
      const kinds = usableKinds().filter((kind) => fittingPort(kind, dragged));
      const { side, port } = dragged.from;
      const spot = toFlow(x, y);
      ask({
        title: side === "out" ? `Where should "${port}" go?` : `Where should "${port}" come from?`,
        placeholder: "Nodes that fit",
        empty: "No node fits this port.",
        choices: kinds.map(choiceOf),
        at: inBox(x, y),
        pick: (key) => {
          const made = addWired(
            doc,
            kinds.find((k) => k.kind === key)!,
            dragged,
            spot,
          );
          dispatch(made.op, [made.id]);
        },
      });
    },
    [ask, dispatch, doc, inBox, toFlow],
  );
  return { addAtCentre, aim, drop, askNode, offer };
}

/** Where a node goes that is let go at a point: its head comes to lie under the pointer. */
export const under = (at: Point): Point => ({ x: at.x - WIDTH / 2, y: at.y - 20 });

const choiceOf = (kind: Kind): Choice => ({
  key: kind.kind,
  title: kind.title,
  detail: firstSentence(kind.doc),
  words: kind.synonyms,
  color: familyColor(kind.family),
  icon: <KindIcon icon={kind.icon} />,
});
