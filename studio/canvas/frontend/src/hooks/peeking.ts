// Wires that a pointer rests on, or that have the keyboard's focus, tell what they carry and what went over them.

import type { Edge as DrawnEdge } from "@xyflow/react";
import { useShared } from "../context";
import { type Edge, edgeKey, nodeOf, portOf } from "../model";
import type { Peeked } from "../peek";
import { edgeData } from "../scene";
import { hasRun } from "../statuses";
import type { Doc } from "../store";
import { portAt, titleOf, words } from "../types";
import { useStable } from "./stable";

/** A point of the page as a place that a peek can stand beside. */
const point = (x: number, y: number) => ({ left: x, right: x, top: y, bottom: y });

export function usePeeking(doc: Doc) {
  const { peeks, statuses, wiring, large } = useShared();

  const peeked = (edge: Edge, key: string, at: Peeked["at"]): Peeked => {
    const [from, to] = [nodeOf(edge.from), nodeOf(edge.to)];
    const named = (id: string): string => {
      const node = doc.flow.nodes.find((n) => n.id === id);
      return node ? titleOf(node) : id;
    };
    const types = portAt(doc, { node: from, port: portOf(edge.from), side: "out" })?.types ?? [];
    const ran = hasRun(statuses.get(from)?.status) || hasRun(statuses.get(to)?.status);
    return {
      key,
      title: `${named(from)} · ${portOf(edge.from)} → ${named(to)} · ${portOf(edge.to)}`,
      about: types.length ? [`carries ${words(types)}`] : [],
      sources: ran
        ? [
            { node: from, side: "out", port: portOf(edge.from) },
            { node: to, side: "in", port: portOf(edge.to) },
          ]
        : [],
      hint: "Double-click, or press Enter, to see all of it",
      when: `${statuses.get(from)?.status} ${statuses.get(to)?.status}`,
      side: "below",
      at,
    };
  };
  const move = useStable((event: React.MouseEvent, wire: DrawnEdge) => {
    if (wiring.dragged || event.buttons) return peeks.leave();
    const { clientX: x, clientY: y } = event;
    if (peeks.now?.key !== wire.id) peeks.rest(peeked(edgeData(wire), wire.id, () => point(x, y)));
  });
  const leave = useStable((_event: React.MouseEvent, wire: DrawnEdge) => peeks.leave(wire.id));
  const open = useStable((_event: React.MouseEvent, wire: DrawnEdge) => openWire(edgeData(wire)));
  /** All of what went over a wire; false where nothing did. */
  const openWire = (edge: Edge): boolean => {
    const [from, to] = [nodeOf(edge.from), nodeOf(edge.to)];
    const gave = hasRun(statuses.get(from)?.status);
    if (!gave && !hasRun(statuses.get(to)?.status)) return false;
    peeks.leave();
    if (gave) large.show({ is: "value", node: from, side: "out", port: portOf(edge.from) });
    else large.show({ is: "value", node: to, side: "in", port: portOf(edge.to) });
    return true;
  };
  const onFocus = useStable((event: React.FocusEvent) => {
    const drawn = (event.target as Element).closest(".react-flow__edge");
    const edge = drawn?.matches(":focus-visible") ? wireOf(doc, drawn) : undefined;
    if (!drawn || !edge) return;
    const line = drawn.querySelector<SVGPathElement>(".pb-wire");
    peeks.rest(peeked(edge, drawn.getAttribute("data-id") ?? "", () => middleOf(line)));
  });
  const onBlur = useStable((event: React.FocusEvent) => {
    const id = (event.target as Element).closest(".react-flow__edge")?.getAttribute("data-id");
    if (id) peeks.leave(id);
  });
  const away = useStable(() => peeks.leave());
  return {
    wires: { onEdgeMouseMove: move, onEdgeMouseLeave: leave, onEdgeDoubleClick: open, onMoveStart: away },
    openWire,
    onFocus,
    onBlur,
  };
}

/** The wire that is drawn as an element. */
export function wireOf(doc: Doc, drawn: Element): Edge | undefined {
  const id = drawn.getAttribute("data-id");
  return doc.flow.edges.find((edge) => edgeKey(edge) === id);
}

function middleOf(line: SVGPathElement | null) {
  const matrix = line?.getScreenCTM();
  if (!line || !matrix) return point(0, 0);
  const { x, y } = line.getPointAtLength(line.getTotalLength() / 2).matrixTransform(matrix);
  return point(x, y);
}
