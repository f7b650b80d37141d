// What the layout knows of a flow: boxes, and the wires between them.

import type { Place } from "../model";

export interface Box {
  id: string;
  w: number;
  h: number;
  /** Pixels that are kept free below it, for what it streams and how long it took. */
  room: number;
  at?: Place;
}
/** From one box to another. */
export type Wire = [from: string, to: string];

/** A window's free part, in pixels. */
export interface Shape {
  w: number;
  h: number;
}

/** The zoom at which titles, drawn as large as they must be, still fit their nodes: nothing is fitted below it. */
export const READABLE = 0.3;
/** The zoom at which all of a node can be read: long rows are wrapped to reach it. */
export const COMFORTABLE = 0.55;
/** Between columns, and between boxes of one. */
export const GAP = { x: 96, y: 32 };
