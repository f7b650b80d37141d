// The Values panel: what the selected nodes took and gave in the last run.

import { useState, useSyncExternalStore } from "react";
import { useShared, useStatus } from "../context";
import { titleOf } from "../types";
import type { ChosenState } from "./state";
import { StepDetails, useStep } from "./step";
import { Unanswered } from "./unanswered";

/** Nodes of a selection that are told of: more would be a long way to scroll. */
const MOST = 10;

export function ResultsPanel({ chosen }: { chosen: ChosenState }) {
  const { doc, statuses } = useShared();
  useSyncExternalStore(chosen.subscribe, () => chosen.version);
  const run = useSyncExternalStore(statuses.heard.subscribe, () => statuses.run);
  const nodes = doc.flow.nodes.filter((node) => chosen.now.nodes.includes(node.id));
  if (!run) return <p className="pb-note-line">Run the flow, then see here what each node took and gave.</p>;
  if (!nodes.length) return <p className="pb-note-line">Select a node to see what it took and gave.</p>;
  return (
    <div className="pb-form">
      {nodes.slice(0, MOST).map((node) => (
        <Result key={node.id} node={node.id} title={titleOf(node)} run={run.id} />
      ))}
      {nodes.length > MOST && (
        <p className="pb-note-line">
          The first {MOST} of {nodes.length} selected nodes.
        </p>
      )}
    </div>
  );
}

function Result({ node, title, run }: { node: string; title: string; run: string }) {
  const { doc } = useShared();
  const status = useStatus(node);
  const [tries, setTries] = useState(0);
  const step = useStep(doc, node, `${run} ${status?.status} ${status?.seconds} ${tries}`);
  return (
    <section className="pb-result" aria-label={title}>
      <h3>{title}</h3>
      {step === null ? (
        <div className="pb-wait" aria-hidden="true" />
      ) : step === "failed" ? (
        <Unanswered again={() => setTries(tries + 1)} />
      ) : !step.status ? (
        <p className="pb-note-line">It had no part in the last run.</p>
      ) : (
        <>
          <p className="pb-note-line">{[step.status, ...(step.facts ?? [])].join(" · ")}</p>
          <StepDetails path={node} step={step} />
        </>
      )}
    </section>
  );
}
