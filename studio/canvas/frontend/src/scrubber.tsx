// Below the canvas of a past run: go through its time, and go on from there.

import { useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { useShared } from "./context";
import type { ChosenState } from "./dock/state";
import { duration } from "./duration";
import { type Moment, endOf, statesAt, stepFrom } from "./timeline";
import { titleOf } from "./types";

export function Scrubber({ moments, chosen }: { moments: Moment[]; chosen: ChosenState }) {
  const { doc, statuses } = useShared();
  const end = useMemo(() => endOf(moments), [moments]);
  const [time, setTime] = useState(end);
  useSyncExternalStore(chosen.subscribe, () => chosen.version);
  useEffect(() => statuses.replace(statesAt(moments, time)), [statuses, moments, time]);
  const only = chosen.now.nodes.length === 1 ? doc.flow.nodes.find(({ id }) => id === chosen.now.nodes[0]) : undefined;
  const step = (by: 1 | -1) => setTime(stepFrom(moments, time, by));
  const edit = () => doc.command("edit_from", JSON.stringify({ at: time, node: only?.id ?? "" }));
  return (
    <div className="pb-scrubber" role="group" aria-label="Time of the run">
      <button type="button" className="pb-tool" aria-label="Back to the change before" onClick={() => step(-1)}>
        ‹
      </button>
      <input
        type="range"
        min={0}
        max={end}
        step={end / 1000 || 1}
        value={time}
        aria-label="Moment of the run"
        aria-valuetext={`${duration(time)} of ${duration(end)}`}
        onChange={(event) => setTime(Math.min(end, Number(event.target.value)))}
        onKeyDown={(event) => {
          event.stopPropagation();
          const by = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : null;
          if (!by) return;
          event.preventDefault();
          step(by);
        }}
      />
      <button type="button" className="pb-tool" aria-label="On to the next change" onClick={() => step(1)}>
        ›
      </button>
      <output>
        {duration(time)} of {duration(end)}
      </output>
      <button
        type="button"
        className="pb-button"
        title={
          only
            ? "Open the flow with the values of this run pinned, but for this node and what follows from it"
            : "Open the flow with what had been given by this moment pinned"
        }
        onClick={edit}
      >
        {only ? `Edit from “${titleOf(only)}”` : "Edit from here"}
      </button>
    </div>
  );
}
