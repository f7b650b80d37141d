// What the selected node took and gave in the last run: a line each, in large when it is pressed.

import { usePin, useShared, useStatus } from "../context";
import { useTold } from "../large/values";
import { pinWords, wish } from "../pins";

export function LastValues({ node }: { node: string }) {
  const { doc, large } = useShared();
  const status = useStatus(node);
  const told = useTold(doc, node, `${status?.status} ${status?.seconds}`);
  if (!told) return <Pinned node={node} />;
  const rows = (["out", "in"] as const).flatMap((side) =>
    Object.entries(told[side]).map(([port, { gist }]) => ({ side, port, gist })),
  );
  if (!rows.length) return <Pinned node={node} />;
  return (
    <section aria-label="Last run">
      <p className="pb-note-line">{doc.readonly ? "In this run" : "In the last run"}</p>
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
      <Pinned node={node} gave={rows.some((row) => row.side === "out")} />
    </section>
  );
}

/** What is used instead of running it; or the ways to have something used. */
function Pinned({ node, gave }: { node: string; gave?: boolean }) {
  const { doc, actions } = useShared();
  const pin = usePin(node);
  const ask = async (what: Parameters<typeof wish>[1]) => {
    const said = await wish(doc, what);
    if (said) doc.say(said);
  };
  if (doc.readonly || (!pin && !gave)) return null;
  return (
    <div className="pb-pinned">
      {pin && (
        <p className="pb-note-line">
          <span className="pb-chip pinned">{pinWords(pin)}</span> {pin.gist}
        </p>
      )}
      <div className="pb-buttons">
        {pin ? (
          <button type="button" className="pb-button" onClick={() => void ask({ unpin: [node] })}>
            Let it run again
          </button>
        ) : (
          <button type="button" className="pb-button" onClick={() => void ask({ pin: [node] })}>
            Pin what it gave
          </button>
        )}
        <button type="button" className="pb-button" onClick={() => actions.give(node)}>
          Change it…
        </button>
      </div>
    </div>
  );
}
