// How much a window can hold: three sizes, what lies over the canvas at first in each, and what fits beside what.

/** Below 800 px there is room for one thing: the canvas, or what lies over it. From 1200 px nothing is in the way. */
export type Size = "small" | "middle" | "wide";
export const SIZES: Size[] = ["small", "middle", "wide"];
/** Pixels of the window's width. dock.css and panels.css know them too. */
export const MIDDLE = 800;
export const WIDE = 1200;
/** Pixels; panels.css draws the palette so wide. */
const PALETTE = 248;
export const WIDTH = 400;

/** What lies over the canvas; the dock's width in pixels. */
export interface Lying {
  open: boolean;
  palette: boolean;
  width: number;
}

export const sizeOf = (window: number): Size => (window < MIDDLE ? "small" : window < WIDE ? "middle" : "wide");

/** What a person finds who has chosen nothing at this size. */
export const firstOf = (size: Size): Lying => ({ open: false, palette: size === "wide", width: WIDTH });

/** Whether dock and palette leave half of the canvas together; a wide window has always room for both. */
export function bothFit(window: number, dock: number): boolean {
  const size = sizeOf(window);
  return size === "wide" || (size === "middle" && dock + PALETTE <= window / 2);
}
