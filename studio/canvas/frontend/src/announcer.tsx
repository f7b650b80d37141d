// Says to screen readers how the nodes of a run get on, once a second at most.

import { useEffect, useState } from "react";
import { announced, statesOf } from "./announcing";
import type { NodeState } from "./progress";
import type { Statuses } from "./statuses";
import type { Doc } from "./store";
import { titleOf } from "./types";

const PAUSE_MS = 1000;
const NOTHING = new Map<string, NodeState>();
const isLive = ({ run }: Statuses): boolean => /^(running|asking)/.test(run?.status ?? "");

export function Announcer({ doc, statuses }: { doc: Doc; statuses: Statuses }) {
  const [words, setWords] = useState("");
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let [seen, run] = [statesOf(NOTHING), ""];
    // A run that had ended before the page was opened is told by nobody.
    let live = false;
    const title = (id: string): string => {
      const node = doc.flow.nodes.find((one) => one.id === id);
      return node ? titleOf(node) : id;
    };
    const tell = () => {
      timer = undefined;
      const now = statesOf(statuses.progress.nodes);
      const said = live ? announced(seen, now, title) : "";
      [seen, live] = [now, isLive(statuses)];
      if (said) setWords(said);
    };
    const leave = statuses.heard.subscribe(() => {
      const { id = "" } = statuses.run ?? {};
      if (id !== run) [seen, run] = [statesOf(NOTHING), id];
      live ||= isLive(statuses);
      if (live) timer ??= setTimeout(tell, PAUSE_MS);
    });
    return () => {
      clearTimeout(timer);
      leave();
    };
  }, [doc, statuses]);
  return (
    <div className="pb-unseen" role="log" aria-label="Progress of the run" aria-live="polite">
      {words}
    </div>
  );
}
