// What the selected node took and gave in the last run: a line each, in large when it is pressed.

import { useShared, useStatus } from "../context";
import { useTold } from "../large/values";

export function LastValues({ node }: { node: string }) {
  const { doc, large } = useShared();
  const status = useStatus(node);
  const told = useTold(doc, node, `${status?.status} ${status?.seconds}`);
  if (!told) return null;
  const rows = (["out", "in"] as const).flatMap((side) =>
    Object.entries(told[side]).map(([port, { gist }]) => ({ side, port, gist })),
  );
  if (!rows.length) return null;
  return (
    <section aria-label="Last run">
      <p className="pb-note-line">In the last run</p>
      <ul className="pb-last">
        {rows.map(({ side, port, gist }) => (
          <li key={`${side} ${port}`}>
            <button type="button" onClick={() => large.show({ is: "value", node, side, port })} title="Open in large">
              <b>
                {side === "out" ? "gave" : "took"} {port}
              </b>
              <span>{gist}</span>
              <i aria-hidden="true">⤢</i>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
