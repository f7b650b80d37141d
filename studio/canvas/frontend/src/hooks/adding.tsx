// New nodes: from the palette, by keyboard, out of a wire that was let go.

import type { Edge as DrawnEdge, Node as DrawnNode } from "@xyflow/react";
import { useCallback } from "react";
import type { Choice, Question } from "../chooser";
import { useShared } from "../context";
import {
  type Beside,
  type Point,
  addWired,
  besideWire,
  bestNext,
  insertOps,
  nodeOp,
  usableKinds,
  wayThrough,
} from "../edits";
import { KindIcon } from "../icons";
import { type Edge, type Kind, type Op, freshId, ids } from "../model";
import { firstSentence } from "../palette";
import { WIDTH, edgeData, freeBeside, freeSpot, sizeOf } from "../scene";
import type { Doc } from "../store";
import { type Dragged, type End, dragFrom, familyColor, fittingPort } from "../types";
import type { Places } from "./places";
import type { Scene } from "./scene";
import { useStable } from "./stable";

export interface Adding {
  addAtCentre: (kind: Kind) => void;
  /** The `+` of an output: add what follows it best; or ask. */
  grow: (end: End, choose: boolean) => void;
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
  /** Beside another node, on the side and with the wire that are said of the new one's id; and brought into view. */
  const addBeside = useCallback(
    (kind: Kind, drawn: DrawnNode, wiring: (id: string) => Beside | null) => {
      const id = freshId(kind.title, ids(doc.flow));
      const wire = wiring(id);
      const at = freeBeside(scene.nodesNow(), drawn, wire?.side);
      const { op } = nodeOp(doc, kind, at);
      const connect = (edge: Edge): Op => ({ op: "connect", ...edge });
      dispatch(wire ? { op: "batch", ops: [op, connect(wire.edge)], label: `add ${kind.title}` } : op, [id]);
      places.show({ ...at, w: WIDTH, h: sizeOf(drawn).h });
    },
    [dispatch, doc, places, scene],
  );
  /** Beside what is selected, and wired to it where one wire can be meant; else in the middle of what is in view. */
  const addAtCentre = useCallback(
    (kind: Kind) => {
      const [id] = scene.chosen.nodes;
      const drawn = scene.chosen.nodes.length === 1 && scene.nodesNow().find((n) => n.id === id);
      if (!drawn) return add(kind, centre());
      addBeside(kind, drawn, (made) => besideWire(doc, id, kind, made));
    },
    [add, addBeside, centre, doc, scene],
  );
  const grow = useCallback(
    (end: End, choose: boolean) => {
      const drawn = scene.nodesNow().find((n) => n.id === end.node);
      const dragged = dragFrom(doc, end);
      if (!drawn || !dragged) return;
      const best = choose ? undefined : bestNext(doc, end);
      if (!best) {
        const at = freeBeside(scene.nodesNow(), drawn);
        return offerAt(dragged, { x: at.x, y: at.y + 60 });
      }
      addBeside(best.kind, drawn, (made) => ({
        edge: { from: `${end.node}.${end.port}`, to: `${made}.${best.port}` },
        side: "right",
      }));
    },
    [addBeside, doc, scene],
  );
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
        pick: (key) => {
          const kind = kinds.find((k) => k.kind === key)!;
          if (spot) add(kind, freeSpot(scene.nodesNow(), spot));
          else addAtCentre(kind);
        },
      });
    },
    [add, addAtCentre, ask],
  );
  const offer = useCallback(
    (dragged: Dragged, x: number, y: number) => offerAt(dragged, toFlow(x, y), inBox(x, y)),
    [doc, inBox, toFlow],
  );
  const offerAt = useStable((dragged: Dragged, spot: Point, at?: Point) => {
    const kinds = usableKinds().filter((kind) => fittingPort(kind, dragged));
    const { side, port } = dragged.from;
    ask({
      title: side === "out" ? `Where should "${port}" go?` : `Where should "${port}" come from?`,
      placeholder: "Nodes that fit",
      empty: "No node fits this port.",
      choices: kinds.map(choiceOf),
      at,
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
  });
  return { addAtCentre, grow, aim, drop, askNode, offer };
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
