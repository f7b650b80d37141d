// What is measured while a node works: series of numbers, and a line drawn small.

import type { Point } from "./progress";

/** The figures that were measured, in the order in which they came. */
export function namesOf(points: Point[]): string[] {
  const names = new Set<string>();
  for (const point of points) for (const name of Object.keys(point)) if (name !== "step") names.add(name);
  return [...names];
}

/** A figure over the steps; steps without it are left out. */
export const seriesOf = (points: Point[], name: string): [step: number, value: number][] =>
  points.filter((point) => typeof point[name] === "number").map((point) => [point.step, point[name]]);

/** The points of a line in a box of this size: "x,y x,y". What stays the same lies in the middle. */
export function lineOf(series: [number, number][], width: number, height: number): string {
  const xs = series.map(([step]) => step);
  const ys = series.map(([, value]) => value);
  const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const share = (value: number, from: number, to: number) => (to > from ? (value - from) / (to - from) : 0.5);
  const round = (value: number) => Math.round(value * 10) / 10;
  return series
    .map(([x, y]) => `${round(share(x, left, right) * width)},${round((1 - share(y, low, high)) * height)}`)
    .join(" ");
}

/** Four digits that count. */
export const figure = (value: number): string =>
  Math.abs(value) >= 1e5 || (value && Math.abs(value) < 1e-4)
    ? value.toExponential(1)
    : String(Number(value.toPrecision(4)));
