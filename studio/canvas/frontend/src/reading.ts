// What can be read at which zoom: letters on the canvas are never smaller on the screen than a person can read.

/** From afar a node is its title and its state; so far away that no title fits, a box of its color and its state. */
export type Reading = "near" | "middle" | "far" | "tiny";

/** Zooms below which it is so. */
export const MIDDLE = 0.75;
export const FAR = 0.55;
export const TINY = 0.24;
/** Pixels on the screen that letters have at the least. */
export const LEAST = 11;
/** Zooms in steps, of which each is 6 % more than the one before: letters seldom change while a person zooms. */
const STEP = Math.log(1.06);

export const readingAt = (zoom: number): Reading =>
  zoom < TINY ? "tiny" : zoom < FAR ? "far" : zoom < MIDDLE ? "middle" : "near";

/** Pixels in the flow of letters that are `least` on the screen: at a zoom, or a little below it. */
export function lettersAt(zoom: number, least = LEAST): number {
  const below = Math.exp(Math.floor(Math.log(Math.min(1, zoom)) / STEP) * STEP);
  return Math.round((least / below) * 10) / 10;
}
