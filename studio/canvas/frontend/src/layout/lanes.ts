// How wires go: straight over where nothing lies between, else along a lane that no box lies in. Worked out from where
// the boxes are, so it holds for what people place by hand too, and nothing of it is kept in the flow.

export interface Span {
  id: string;
  x: number;
  y: number;
  w: number;
  h: number;
}
export interface Run {
  id: string;
  from: string;
  source: string;
  target: string;
  sx: number;
  sy: number;
  tx: number;
  ty: number;
}
/** A stretch at one height, between two places in the flow. */
export interface Lane {
  y: number;
  x1: number;
  x2: number;
  /** Its wire leads to the left. */
  back: boolean;
}

const AIR = 12;
/** Below a box stands how long it took. */
const FOOT = 26;
const NEAR = 7;
const APART = 10;
const OUT = 28;

/** The lanes of those wires that need one. */
export function lanesOf(boxes: Span[], runs: Run[]): Map<string, Lane> {
  const lanes = new Map<string, Lane>();
  const taken: (Lane & { from: string })[] = [];
  for (const run of runs) {
    const back = run.tx < run.sx + OUT;
    const [x1, x2] = back ? [run.tx - OUT, run.sx + OUT] : [run.sx + 8, run.tx - 8];
    const between = boxes.filter((box) => box.x < x2 && box.x + box.w > x1 && (back || !endsOf(run).includes(box.id)));
    if (!(back ? between.length : between.some((box) => meets(run, box)))) continue;
    const lane = { ...choose(run, between, taken, x1, x2), back };
    lanes.set(run.id, lane);
    taken.push({ ...lane, from: run.from });
  }
  return lanes;
}

const endsOf = (run: Run): string[] => [run.source, run.target];

function choose(
  run: Run,
  between: Span[],
  taken: (Lane & { from: string })[],
  x1: number,
  x2: number,
): Omit<Lane, "back"> {
  const walls = between.map((box): [number, number] => [box.y - AIR, box.y + box.h + FOOT]);
  const beside = taken.filter((lane) => lane.x1 < x2 && lane.x2 > x1 && lane.from !== run.from);
  const wishes = [
    ...[run.sy, run.ty, (run.sy + run.ty) / 2],
    ...walls.flat(),
    ...taken.filter((lane) => lane.from === run.from).map((lane) => lane.y),
    ...beside.flatMap((lane) => [lane.y - APART, lane.y + APART]),
  ];
  let [best, cost] = [run.sy, Infinity];
  for (const y of wishes) {
    const way = Math.abs(y - run.sy) + Math.abs(y - run.ty);
    if (way >= cost) continue; // most are: what else there is need not be looked at
    if (walls.some(([top, bottom]) => y > top && y < bottom)) continue;
    const crowd = beside.filter((lane) => Math.abs(lane.y - y) < NEAR).length;
    const now = way + 60 * crowd;
    if (now < cost) [best, cost] = [y, now];
  }
  const left = Math.max(x1, Math.min(...between.map((box) => box.x)) - AIR);
  const right = Math.min(x2, Math.max(...between.map((box) => box.x + box.w)) + AIR);
  return { y: best, x1: left, x2: Math.max(left, right) };
}

/** Whether the wire, drawn straight over, runs behind the box. */
function meets(run: Run, box: Span): boolean {
  const [top, bottom] = [box.y - 4, box.y + box.h + 4];
  if (Math.max(run.sy, run.ty) < top || Math.min(run.sy, run.ty) > bottom) return false;
  const half = (run.tx - run.sx) / 2;
  for (let step = 1; step < 24; step++) {
    const t = step / 24;
    const u = 1 - t;
    const x = run.sx * u ** 3 + 3 * (run.sx + half) * u * u * t + 3 * (run.tx - half) * u * t * t + run.tx * t ** 3;
    const y = run.sy * (u ** 3 + 3 * u * u * t) + run.ty * (3 * u * t * t + t ** 3);
    if (x > box.x - 4 && x < box.x + box.w + 4 && y > top && y < bottom) return true;
  }
  return false;
}

/** The line of a wire along its lane, as an SVG path. */
export function along(lane: Lane, sx: number, sy: number, tx: number, ty: number): string {
  if (lane.back)
    return corners([sx, sy], [sx + OUT, sy], [sx + OUT, lane.y], [tx - OUT, lane.y], [tx - OUT, ty], [tx, ty]);
  const [x1, x2] = [Math.max(lane.x1, sx + 16), Math.min(lane.x2, tx - 16)];
  const [a, b] = [(x1 - sx) / 2, (tx - x2) / 2];
  return `M${sx} ${sy}C${sx + a} ${sy} ${x1 - a} ${lane.y} ${x1} ${lane.y}L${x2} ${lane.y}C${x2 + b} ${lane.y} ${tx - b} ${ty} ${tx} ${ty}`;
}

type Dot = [x: number, y: number];

/** Straight stretches with round corners. */
function corners(...dots: Dot[]): string {
  const path = [`M${dots[0][0]} ${dots[0][1]}`];
  for (let i = 1; i < dots.length - 1; i++) {
    const [before, at, after] = [dots[i - 1], dots[i], dots[i + 1]];
    const short = (dot: Dot): Dot => {
      const long = Math.hypot(dot[0] - at[0], dot[1] - at[1]);
      const part = long ? Math.min(12, long / 2) / long : 0;
      return [at[0] + (dot[0] - at[0]) * part, at[1] + (dot[1] - at[1]) * part];
    };
    const [into, out] = [short(before), short(after)];
    path.push(`L${into[0]} ${into[1]}Q${at[0]} ${at[1]} ${out[0]} ${out[1]}`);
  }
  const last = dots[dots.length - 1];
  return `${path.join("")}L${last[0]} ${last[1]}`;
}
