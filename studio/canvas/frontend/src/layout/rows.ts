// Long rows of columns are wrapped to the window's shape, so that all of it can be shown in a size one can read.

import { type Shape, COMFORTABLE } from "./boxes";

export interface Column {
  ids: string[];
  x: number;
  w: number;
  top: number;
  bottom: number;
}
/** The columns of one row: from, and up to but without. */
export type Row = [from: number, to: number];

/** Between rows: room for the wires that lead from one to the next. */
export const BETWEEN = 112;

const widthOf = (columns: Column[], [from, to]: Row): number => columns[to - 1].x + columns[to - 1].w - columns[from].x;
const heightOf = (columns: Column[], [from, to]: Row): number => {
  const row = columns.slice(from, to);
  return Math.max(...row.map((c) => c.bottom)) - Math.min(...row.map((c) => c.top));
};

/** The zoom at which rows fill the window. */
function zoomOf(columns: Column[], rows: Row[], shape: Shape): number {
  const w = Math.max(...rows.map((row) => widthOf(columns, row)));
  const h = rows.reduce((sum, row) => sum + heightOf(columns, row), (rows.length - 1) * BETWEEN);
  return Math.min(1, shape.w / w, shape.h / h);
}

/** So many rows, none much wider than the others, broken where few wires cross. `crossing[i]`: wires over the gap before column i. */
function breakInto(columns: Column[], count: number, crossing: number[]): Row[] {
  const ideal = widthOf(columns, [0, columns.length]) / count;
  const cost = (row: Row): number => (widthOf(columns, row) / ideal - 1) ** 2 + 0.05 * (crossing[row[0]] ?? 0);
  // best[k][i]: the cheapest way to put the first i columns in k rows.
  let best: ({ cost: number; rows: Row[] } | undefined)[] = [{ cost: 0, rows: [] }];
  for (let k = 1; k <= count; k++) {
    const next: typeof best = [];
    for (let i = k; i <= columns.length; i++) {
      for (let from = k - 1; from < i; from++) {
        const before = best[from];
        if (!before) continue;
        const sum = before.cost + cost([from, i]);
        const known = next[i];
        if (!known || sum < known.cost) next[i] = { cost: sum, rows: [...before.rows, [from, i]] };
      }
    }
    best = next;
  }
  return best[columns.length]?.rows ?? [[0, columns.length]];
}

/** One row where that can be read, else as many as show most of it. */
export function wrapped(columns: Column[], crossing: number[], shape: Shape): Row[] {
  const one: Row[] = [[0, columns.length]];
  let [best, zoom] = [one, zoomOf(columns, one, shape)];
  if (zoom >= COMFORTABLE) return best;
  for (let count = 2; count <= Math.min(columns.length, 12); count++) {
    const rows = breakInto(columns, count, crossing);
    const now = zoomOf(columns, rows, shape);
    if (now > zoom * 1.08) [best, zoom] = [rows, now];
    if (zoom >= COMFORTABLE) break;
  }
  return best;
}
