// How much a window can hold: three sizes, what lies over the canvas at first in each, and what fits beside what.

/** Below 800 px there is room for one thing: the canvas, or what lies over it. From 1200 px nothing is in the way. */
export type Size = "small" | "middle" | "wide";
export const SIZES: Size[] = ["small", "middle", "wide"];
/** Pixels of the window's width. dock.css and panels.css know them too. */
export const MIDDLE = 800;
export const WIDE = 1200;
/** How wide the two are at first, in pixels. */
export const PALETTE = 248;
export const WIDTH = 400;

/** What lies over the canvas; widths in pixels. */
export interface Lying {
  open: boolean;
  palette: boolean;
  width: number;
  paletteWidth: number;
}

export const sizeOf = (window: number): Size => (window < MIDDLE ? "small" : window < WIDE ? "middle" : "wide");

/** What a person finds who has chosen nothing at this size. */
export const firstOf = (size: Size): Lying => ({
  open: false,
  palette: size === "wide",
  width: WIDTH,
  paletteWidth: PALETTE,
});

/** Whether dock and palette leave half of the canvas together; a wide window has always room for both. */
export function bothFit(window: number, dock: number, palette = PALETTE): boolean {
  const size = sizeOf(window);
  return size === "wide" || (size === "middle" && dock + palette <= window / 2);
}

/** How many pixels of the canvas lie under something, at its left and right. In a small window nothing makes room. */
export interface Covered {
  left: number;
  right: number;
}

/** `docked`: the page has a dock; `editable`: it has a palette. */
export function coveredBy(lying: Lying & { size: Size }, docked: boolean, editable: boolean): Covered {
  if (lying.size === "small") return { left: 0, right: 0 };
  return {
    left: editable && lying.palette ? lying.paletteWidth : 0,
    right: docked && lying.open ? lying.width : 0,
  };
}
