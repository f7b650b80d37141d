// What dock and palette leave of the canvas, and that a chosen node does not lie under it.

import { useReactFlow } from "@xyflow/react";
import { type RefObject, useEffect, useRef, useSyncExternalStore } from "react";
import { useStable } from "../hooks/stable";
import { motion } from "../hooks/motion";
import type { Places } from "../hooks/places";
import type { Scene } from "../hooks/scene";
import { boxOf } from "../scene";
import { type Covered, coveredBy } from "./sizes";
import type { DockState } from "./state";

const GAP = 24;

/** What lies over the canvas now. */
export function useCovered(docks: DockState, docked: boolean, editable: boolean): () => Covered {
  return useStable(() => coveredBy(docks, docked, editable));
}

/** Tell the style sheet how much lies under the dock and under the palette, without a drawing. */
export function useRoom(
  host: RefObject<HTMLElement | null>,
  docks: DockState,
  covered: () => Covered,
  editable: boolean,
): void {
  useEffect(() => {
    const tell = () => {
      const { left, right } = covered();
      host.current?.style.setProperty("--palette", `${left}px`);
      host.current?.style.setProperty("--dock", `${right}px`);
    };
    tell();
    return docks.subscribe(tell);
  }, [host, docks, covered, editable]);
}

/** Move the view when the dock opens over the node that was chosen. */
export function useInSight(scene: Scene, places: Places, dock: DockState | undefined): void {
  const flow = useReactFlow();
  const version = useSyncExternalStore(dock?.subscribe ?? never, () => (dock?.open ? dock.width : 0));
  const before = useRef(version);
  const chosen = scene.chosen.nodes.length === 1 ? scene.chosen.nodes[0] : "";
  useEffect(() => {
    const opened = version > before.current;
    before.current = version;
    if (!version || !chosen || dock?.size === "small") return;
    const box = boxOf(scene.nodesNow().filter((node) => node.id === chosen));
    if (!box || scene.nodesNow().some((node) => node.dragging)) return;
    const { x, y, zoom } = flow.getViewport();
    const over = (box.x + box.w) * zoom + x + GAP - places.bare().right;
    if (opened && places.isFitted()) return; // it is fitted anew (hooks/fitting.ts)
    if (over > 0 && (opened || over < version)) void flow.setViewport({ x: x - over, y, zoom }, motion(150));
  }, [version, chosen]);
}

const never = (): (() => void) => () => {};
