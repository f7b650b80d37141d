// What is measured while a node works, such as the loss of each step: curves that grow. A file of its own.

import { useDeferredValue, useMemo } from "react";
import { useStatus } from "../context";
import { namesOf, seriesOf } from "../curve";
import { duration } from "../duration";
import { partOf } from "./part";

const Chart = partOf(() => import("./chart").then((part) => part.Chart));
/** Answers on the way that are shown, the newest. */
const ANSWERS = 12;

export function Curves({ node, title }: { node: string; title: string }) {
  const status = useStatus(node);
  const points = useDeferredValue(status?.points);
  const charts = useMemo(
    () =>
      namesOf(points ?? []).map((name) => {
        const rows = seriesOf(points ?? [], name).map(([step, value]) => ({ step, [name]: value }));
        return { kind: "line" as const, rows, x: "step", y: name, title: name };
      }),
    [points],
  );
  const answers = (status?.steps ?? []).filter((step) => step.what === "answer").slice(-ANSWERS);
  const words = status?.message || (status?.seconds !== undefined ? `Done in ${duration(status.seconds)}` : "");
  return (
    <>
      <header>
        <h2>{title}</h2>
        <span className="pb-curves-words" role="status">
          {words}
        </span>
      </header>
      <div className="pb-large-body">
        {charts.length ? (
          <div className="pb-curves-grid">
            {charts.map((chart) => (
              <Chart key={chart.y} value={chart} />
            ))}
          </div>
        ) : (
          <p className="pb-note-line">Nothing has been measured in this run yet.</p>
        )}
        {answers.length > 0 && (
          <section className="pb-answers" aria-label="Answers on the way">
            <h3>Answers on the way</h3>
            {answers.map((step, at) => (
              <pre key={at}>{step.text}</pre>
            ))}
          </section>
        )}
      </div>
    </>
  );
}
