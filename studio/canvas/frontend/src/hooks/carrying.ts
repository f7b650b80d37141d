// A kind of node in the hand: from the palette over the canvas, until it is let go.

import { type RefObject, useCallback, useState } from "react";
import type { CanvasHandle } from "../canvas";
import type { Ui } from "../context";
import type { Kind } from "../model";

/** What is carried, and where it is on the page. */
export interface Ghost {
  kind: Kind;
  x: number;
  y: number;
}
/** A press on a kind: what came of it. */
export interface Press {
  /** A finger or a pen, whose tap adds the node. */
  touch: boolean;
  /** It became a drag, or a swipe. */
  moved: boolean;
}

/** Pixels after which a press is no click any more. */
const SLACK = { mouse: 5, touch: 10 };
/** How long a finger rests before what lies under it is taken up, in ms: before that it scrolls. */
export const HOLD_MS = 350;

type Canvas = RefObject<Pick<CanvasHandle, "aim" | "drop"> | null>;

/** What is carried now, and the handler that takes a kind into the hand. */
export function useCarrying(canvas: Canvas, ui: Ui): [Ghost | null, (kind: Kind, event: React.PointerEvent) => Press] {
  const [ghost, setGhost] = useState<Ghost | null>(null);
  const take = useCallback(
    (kind: Kind, event: React.PointerEvent): Press => {
      const touch = event.pointerType !== "mouse";
      const { clientX: x, clientY: y, pointerId } = event;
      const press: Press = { touch, moved: false };
      const slack = touch ? SLACK.touch : SLACK.mouse;
      let carried = false;
      let away = false;
      const lift = (at: { clientX: number; clientY: number }) => {
        press.moved = carried = true;
        setGhost({ kind, x: at.clientX, y: at.clientY });
      };
      const timer = touch ? setTimeout(() => lift({ clientX: x, clientY: y }), HOLD_MS) : undefined;
      const move = (e: PointerEvent) => {
        if (e.pointerId !== pointerId) return;
        away ||= Math.hypot(e.clientX - x, e.clientY - y) >= slack;
        if (!away) return;
        press.moved = true;
        if (!carried && touch) return end(e); // a swipe: it scrolls
        e.preventDefault();
        lift(e);
        canvas.current?.aim(kind, e.clientX, e.clientY);
      };
      const end = (e: PointerEvent) => {
        if (e.pointerId !== pointerId) return;
        clearTimeout(timer);
        window.removeEventListener("pointermove", move);
        window.removeEventListener("pointerup", end);
        window.removeEventListener("pointercancel", end);
        window.removeEventListener("keydown", escape, true);
        setGhost(null);
        if (carried && away && e.type === "pointerup") canvas.current?.drop(kind, e.clientX, e.clientY);
        else ui.set({ dropWire: "" });
      };
      const escape = (e: KeyboardEvent) => {
        if (e.key !== "Escape") return;
        e.stopPropagation();
        end(new PointerEvent("pointercancel", { pointerId }));
      };
      window.addEventListener("pointermove", move);
      window.addEventListener("pointerup", end);
      window.addEventListener("pointercancel", end);
      window.addEventListener("keydown", escape, true);
      return press;
    },
    [canvas, ui],
  );
  return [ghost, take];
}
