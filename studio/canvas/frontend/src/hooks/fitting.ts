// When the part of the canvas that is free becomes larger or smaller: a view that shows all of the flow goes on doing so.

import { type RefObject, useEffect } from "react";
import type { DockState } from "../dock/state";
import { useStable } from "./stable";
import type { Places } from "./places";
import type { Scene } from "./scene";

/** What is dragged wider or opened in two steps is fitted once, in ms. */
const SOON = 120;
/** A node that was pressed stays where it is until it can no longer be pressed a second time, in ms. */
const TWICE = 350;

/** When to fit anew, in ms from now; null while something is held down. `pressed`: when the canvas was, last. */
export function fitsIn(now: number, pressed: number, held: boolean): number | null {
  return held ? null : Math.max(SOON, pressed + TWICE - now);
}

/** Fit anew after the dock was opened, folded or made wider, the palette too, and after the window was. */
export function useFitting(root: RefObject<HTMLElement | null>, scene: Scene, places: Places, docks: DockState): void {
  const refit = useStable(() => places.refit(scene.chosen.nodes.length === 1 ? scene.chosen.nodes[0] : undefined));
  useEffect(() => {
    const canvas = root.current;
    if (!canvas) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let pressed = -Infinity;
    let [held, due] = [false, false];
    const soon = () => {
      clearTimeout(timer);
      const wait = fitsIn(performance.now(), pressed, held);
      due = wait === null;
      timer = wait === null ? undefined : setTimeout(() => ((timer = undefined), refit()), wait);
    };
    const press = (event: PointerEvent) => {
      held = true;
      if (event.composedPath().includes(canvas)) pressed = performance.now();
      if (timer !== undefined) soon();
    };
    const release = () => {
      held = false;
      if (due) soon();
    };
    const sizes = new ResizeObserver(soon);
    sizes.observe(canvas);
    window.addEventListener("pointerdown", press, true);
    window.addEventListener("pointerup", release, true);
    window.addEventListener("pointercancel", release, true);
    const leave = docks.subscribe(soon);
    return () => {
      clearTimeout(timer);
      sizes.disconnect();
      window.removeEventListener("pointerdown", press, true);
      window.removeEventListener("pointerup", release, true);
      window.removeEventListener("pointercancel", release, true);
      leave();
    };
  }, [root, docks, refit]);
}
