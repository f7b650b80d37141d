// What is shown when all of a flow should be: as large as it may be, and never too small to read.

import type { Viewport } from "@xyflow/react";
import { type Shape, READABLE } from "./boxes";

/** A view that showed all of a flow: into which room it was fitted, and how. */
export interface Fit {
  view: Viewport;
  free: Shape;
  whole: boolean;
  /** When the view has got there; a clock's milliseconds. */
  there: number;
}

/** Whether a view is the one that was fitted, or on its way there: nobody has moved it since. */
export function isFitted(fit: Fit | undefined, view: Viewport, now: number): boolean {
  if (!fit) return false;
  const same = Math.abs(fit.view.x - view.x) < 1 && Math.abs(fit.view.y - view.y) < 1;
  return now < fit.there || (same && Math.abs(fit.view.zoom - view.zoom) < 0.001);
}

export const sameShape = (one: Shape, other: Shape): boolean =>
  Math.abs(one.w - other.w) < 1 && Math.abs(one.h - other.h) < 1;

/** Whether all of a box can be seen. */
export function shows(view: Viewport, box: Around, free: Shape, corner: { x: number; y: number }): boolean {
  const within = (from: number, length: number, edge: number, room: number): boolean =>
    from >= edge - 1 && from + length <= edge + room + 1;
  const { x, y, zoom } = view;
  return (
    within(box.x * zoom + x, box.w * zoom, corner.x, free.w) && within(box.y * zoom + y, box.h * zoom, corner.y, free.h)
  );
}

interface Around {
  x: number;
  y: number;
  w: number;
  h: number;
}

/** Where there is more than can be read at once, its beginning is shown; with `whole`, all of it in whatever size. */
export function fitted(all: Around, free: Shape, corner: { x: number; y: number }, whole = false): Viewport {
  const fits = Math.min(free.w / all.w, free.h / all.h);
  const zoom = Math.max(whole ? 0.1 : READABLE, Math.min(1, fits));
  const middle = (from: number, length: number, room: number, edge: number): number =>
    edge - from * zoom + Math.max(0, (room - length * zoom) / 2);
  return {
    x: middle(all.x, all.w, free.w, corner.x),
    y: middle(all.y, all.h, free.h, corner.y),
    zoom,
  };
}
