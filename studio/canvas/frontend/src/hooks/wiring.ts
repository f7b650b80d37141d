// Wires in the hand: drawing one, plugging one elsewhere, letting go of one.

import type { Connection, Edge as DrawnEdge, FinalConnectionState, OnConnectEnd, OnConnectStart } from "@xyflow/react";
import { type RefObject, useRef } from "react";
import { useShared } from "../context";
import { replugOp, wireOp } from "../edits";
import { edgeKey } from "../model";
import { edgeData } from "../scene";
import type { Doc } from "../store";
import { type Dragged, type End, type Side, dragFrom, edgeOf, portAt, refusal } from "../types";
import type { Scene } from "./scene";
import { useStable } from "./stable";

type Offer = (dragged: Dragged, x: number, y: number) => void;

const SIDES: Record<string, Side> = { source: "out", target: "in" };
const end = (node: string, handle: string | null | undefined, side: Side): End => ({ node, port: handle ?? "", side });
const outOf = (wire: Connection | DrawnEdge): End => end(wire.source, wire.sourceHandle, "out");
const into = (wire: Connection | DrawnEdge): End => end(wire.target, wire.targetHandle, "in");

/** The handlers of `<ReactFlow>` that concern wires. With Shift held, a wire that is in the way stays. */
export function useWiring(doc: Doc, { dispatch }: Scene, shift: RefObject<boolean>, offer: Offer) {
  const { wiring } = useShared();
  const replugging = useRef(false);

  const onConnectStart: OnConnectStart = useStable((_event, { nodeId, handleId, handleType }) => {
    if (!nodeId || !handleType || replugging.current) return;
    wiring.set(dragFrom(doc, end(nodeId, handleId, SIDES[handleType])));
  });
  const isValidConnection = useStable((wire: DrawnEdge | Connection): boolean => {
    const { dragged } = wiring;
    if (!dragged) return false;
    const other = dragged.from.side === "out" ? into(wire) : outOf(wire);
    const port = portAt(doc, other);
    return !!port && !refusal(doc, dragged, other, port);
  });
  const onConnect = useStable((wire: Connection) => {
    dispatch(wireOp(doc, outOf(wire), into(wire), shift.current));
  });
  const onConnectEnd: OnConnectEnd = useStable((event, state) => {
    const { dragged } = wiring;
    const reason = letGo();
    if (!dragged || replugging.current || state.isValid) return;
    if (state.toHandle || reason) return sayWhy(reason);
    const { clientX, clientY } = "changedTouches" in event ? event.changedTouches[0] : event;
    const target = event.target as Element | null;
    if (!target?.closest?.(".pb-node, .pb-group")) offer(dragged, clientX, clientY);
  });
  const onReconnectStart = useStable((_event: unknown, edge: DrawnEdge, side: string) => {
    replugging.current = true;
    // React Flow names the end that stays.
    wiring.set(dragFrom(doc, side === "target" ? into(edge) : outOf(edge), edgeData(edge)));
  });
  const onReconnect = useStable((edge: DrawnEdge, wire: Connection) => {
    const fresh = edgeOf(outOf(wire), into(wire));
    if (edgeKey(fresh) !== edge.id) dispatch(replugOp(doc, edgeData(edge), fresh, shift.current));
  });
  const onReconnectEnd = useStable((_event: unknown, edge: DrawnEdge, _side: string, state: FinalConnectionState) => {
    const reason = letGo();
    replugging.current = false;
    if (state.isValid) return;
    if (state.toHandle || reason) return sayWhy(reason);
    dispatch({ op: "disconnect", ...edgeData(edge) });
  });

  /** Why the port under the pointer would not have taken it; "" or undefined where it would, or none is there. */
  const letGo = (): string | undefined => {
    const reason = wiring.over?.reason;
    wiring.set(null);
    return reason;
  };
  const sayWhy = (reason: string | undefined): void => {
    if (reason) doc.say(reason);
  };
  return { onConnectStart, isValidConnection, onConnect, onConnectEnd, onReconnectStart, onReconnect, onReconnectEnd };
}
