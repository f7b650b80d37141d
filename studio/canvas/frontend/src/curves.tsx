// The curves of a node at work, small, below it. A click shows them in large.

import { useShared } from "./context";
import { figure, lineOf, namesOf, seriesOf } from "./curve";
import type { Point } from "./progress";

/** Curves that have room below a node; all of them are in the large view. */
const SHOWN = 4;
const [WIDTH, HEIGHT] = [100, 30];

export function SmallCurves({ id, points }: { id: string; points: Point[] }) {
  const { large } = useShared();
  const names = namesOf(points).slice(0, SHOWN);
  if (!names.length) return null;
  return (
    <button
      type="button"
      className="pb-curves nodrag nopan"
      title="Show the curves in large"
      aria-label={`Curves: ${names.join(", ")}. Show them in large`}
      onClick={(event) => (event.stopPropagation(), large.show({ is: "curves", node: id }))}
      onDoubleClick={(event) => event.stopPropagation()}
    >
      {names.map((name) => {
        const series = seriesOf(points, name);
        return (
          <span key={name}>
            <small>
              {name} <b>{figure(series[series.length - 1][1])}</b>
            </small>
            <svg viewBox={`0 -2 ${WIDTH} ${HEIGHT + 4}`} preserveAspectRatio="none" aria-hidden="true">
              <polyline points={lineOf(series, WIDTH, HEIGHT)} />
            </svg>
          </span>
        );
      })}
    </button>
  );
}
