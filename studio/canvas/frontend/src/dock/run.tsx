// The Run panel: what stands in the way, what the flow asks for, Run or Stop, and the latest run.

import { useEffect, useState, useSyncExternalStore } from "react";
import { get } from "../ask";
import { useShared } from "../context";
import type { DockData } from "../store";
import { RunForm } from "./run_form";
import { RunShown } from "./run_shown";
import { PROBLEMS } from "./state";
import { Failure } from "./step";
import { typedOf } from "./typed";
import { Unanswered } from "./unanswered";

interface Props {
  dock: DockData;
  show: (node: string) => void;
  open: (tab: string) => void;
}

const AT_WORK = /^(running|asking)/;
/** How long a press on Run is taken for one: the run begins in Python. */
const PRESSED_MS = 1500;

export function RunPanel({ dock, show, open }: Props) {
  const { doc, statuses } = useShared();
  const typed = typedOf(doc);
  useSyncExternalStore(typed.subscribe, () => typed.version);
  const run = useSyncExternalStore(statuses.heard.subscribe, () => statuses.run);
  const active = !!run && AT_WORK.test(run.status);
  const [pressed, setPressed] = useState(false);
  const begun = dock.front[1];
  useEffect(() => void typed.ask(), [typed, doc.revision, doc.pins, begun, run?.id, active]);
  useEffect(() => setPressed(false), [run?.id, begun]);
  useEffect(() => {
    const timer = pressed ? setTimeout(() => setPressed(false), PRESSED_MS) : undefined;
    return () => clearTimeout(timer);
  }, [pressed]);
  const start = () => {
    if (active || pressed || !doc.flow.nodes.length) return;
    setPressed(true);
    doc.command("run");
  };
  const stop = async () => {
    const told = await get<{ said: string }>(doc.at("stop"), {}, { method: "POST" });
    if (!told || told.said) doc.say(told?.said || "The studio does not answer.");
  };
  const keys = (event: React.KeyboardEvent) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    event.stopPropagation();
    // Whoever answers a question does not mean another run.
    if (!(event.target as Element).closest(".pb-asks")) start();
  };
  return (
    <div className="pb-form pb-run" onKeyDown={keys}>
      <InTheWay open={open} />
      {typed.failed && <Unanswered again={() => void typed.ask().then(() => typed.sent())} />}
      {typed.told ? <RunForm typed={typed} told={typed.told} /> : !typed.failed && <div className="pb-wait" />}
      {typed.told?.notes.map((words) => (
        <p key={words} className="pb-note-line">
          {words}
        </p>
      ))}
      {active ? (
        <button type="button" className="pb-go" onClick={() => void stop()}>
          ■ Stop
        </button>
      ) : (
        <button
          type="button"
          className="pb-go primary"
          disabled={!doc.flow.nodes.length || pressed}
          title="Run the flow (Ctrl+Enter)"
          onClick={start}
        >
          ▶ Run
        </button>
      )}
      {typed.told?.refused.map((one, i) => (
        <Failure key={i} said={one} where={one.place} />
      ))}
      {run ? (
        <RunShown run={run} active={active} show={show} />
      ) : (
        <p className="pb-note-line">The answer, and what every node gave, will show here.</p>
      )}
    </div>
  );
}

/** Errors first: with them nothing runs. */
function InTheWay({ open }: { open: (tab: string) => void }) {
  const { doc } = useShared();
  const errors = Object.values(doc.problems)
    .flat()
    .filter((problem) => problem.severity === "error").length;
  if (!errors || !doc.flow.nodes.length) return null;
  return (
    <p className={`pb-problem ${doc.tried ? "" : "todo"}`}>
      {errors === 1 ? "One thing keeps" : `${errors} things keep`} this flow from running.{" "}
      <button type="button" className="pb-link" onClick={() => open(PROBLEMS)}>
        {errors === 1 ? "See it" : "See them"}
      </button>
    </p>
  );
}
