// What is shown when all of a flow should be: as large as it may be, and never too small to read.

import type { Viewport } from "@xyflow/react";
import { type Shape, READABLE } from "./boxes";

/** Where there is more than can be read at once, its beginning is shown; with `whole`, all of it in whatever size. */
export function fitted(
  all: { x: number; y: number; w: number; h: number },
  free: Shape,
  corner: { x: number; y: number },
  whole = false,
): Viewport {
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
