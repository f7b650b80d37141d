import { expect, test } from "vitest";
import { READABLE } from "./boxes";
import { type Fit, fitted, isFitted, sameShape, shows } from "./fitted";
import { fitsIn } from "../hooks/fitting";

const corner = { x: 28, y: 68 };
const free = { w: 1000, h: 600 };
const all = { x: 0, y: 0, w: 2000, h: 600 };
const view = fitted(all, free, corner);
const fit: Fit = { view, free, whole: false, there: 100 };

test("a view is the fitted one until it is moved", () => {
  expect(isFitted(fit, view, 500)).toBe(true);
  expect(isFitted(fit, { ...view, x: view.x + 0.4 }, 500)).toBe(true); // a rounding
  expect(isFitted(fit, { ...view, x: view.x - 20 }, 500)).toBe(false);
  expect(isFitted(fit, { ...view, zoom: view.zoom * 1.2 }, 500)).toBe(false);
  expect(isFitted(undefined, view, 500)).toBe(false);
});

test("a view on its way there is a fitted one", () => {
  expect(isFitted(fit, { x: 0, y: 0, zoom: 1 }, 60)).toBe(true);
  expect(isFitted(fit, { x: 0, y: 0, zoom: 1 }, 101)).toBe(false);
});

test("with less room all of it is still seen, down to the size that can be read", () => {
  const less = { w: 900, h: 600 };
  expect(shows(view, all, less, corner)).toBe(false);
  expect(shows(fitted(all, less, corner), all, less, corner)).toBe(true);
  const little = { w: 300, h: 600 };
  const bounded = fitted(all, little, corner);
  expect(bounded.zoom).toBe(READABLE);
  expect(shows(bounded, { x: 0, y: 0, w: 240, h: 90 }, little, corner)).toBe(true);
  expect(shows(bounded, { x: 1760, y: 0, w: 240, h: 90 }, little, corner)).toBe(false);
});

test("a room is another one from a pixel on", () => {
  expect(sameShape(free, { w: 1000.4, h: 600 })).toBe(true);
  expect(sameShape(free, { w: 998, h: 600 })).toBe(false);
});

test("it waits until what is held is let go, and a node that was pressed could be pressed twice", () => {
  expect(fitsIn(1000, -Infinity, false)).toBe(120);
  expect(fitsIn(1000, 990, false)).toBe(340);
  expect(fitsIn(1000, 990, true)).toBeNull();
});
