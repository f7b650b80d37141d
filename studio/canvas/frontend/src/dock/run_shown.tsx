// The latest run: as it happens, or how it ended, what it gave and what every node did.

import { type RefObject, useEffect, useRef, useState } from "react";
import { get } from "../ask";
import { useShared } from "../context";
import { partOf } from "../large/part";
import type { Sketch } from "../large/values";
import { type RunRoot, drawRun } from "../live/run";
import { MARKS, type RunState, type State, runWords } from "../progress";
import type { Asked } from "./questions";
import { Alert, Failure, PortFold, StepDetails, ValueHere, useStep } from "./step";
import { Unanswered } from "./unanswered";

/** `run_of` in studio/inspector/told_run.py. */
interface ToldRun {
  id?: string;
  status: string;
  titles: [id: string, title: string][];
  questions: Asked[];
  facts?: string[];
  warnings?: string[];
  problem?: { node: string; title: string; message: string; fix: string; in: string[] } | null;
  outputs?: (Sketch & { name: string; node: string; note: string })[];
  files?: boolean;
  steps?: StepLine[];
}
interface StepLine {
  path: string;
  title: string;
  status: State;
  facts: string[];
  more: boolean;
}

const Questions = partOf(() => import("./questions").then((part) => part.Questions));

/** Steps that are listed at first: a long loop has many. */
const STEPS = 100;

interface Props {
  run: RunState;
  active: boolean;
  show: (node: string) => void;
}

export function RunShown({ run, active, show }: Props) {
  const { doc } = useShared();
  const [told, setTold] = useState<ToldRun | "failed" | null>(null);
  const [turn, setTurn] = useState(0);
  /** What is said of an answer: it outlives its question, which is gone where somebody was faster. */
  const [said, setSaid] = useState({ run: "", words: "", late: false });
  const again = () => setTurn(turn + 1);
  useEffect(() => {
    let gone = false;
    void get<ToldRun>(doc.at("run")).then((found) => gone || setTold(found ?? "failed"));
    return () => void (gone = true);
  }, [doc, run.id, run.status, turn]);
  if (told === "failed") return <Unanswered again={again} />;
  const here = told?.id === run.id ? told : null;
  const done = here?.facts ? here : null;
  const say = (words: string, late: boolean) => setSaid({ run: run.id, words, late });
  const over = active ? null : done;
  // One tree for both: what is typed as an answer stays when the run falls asleep meanwhile.
  return (
    <section className="pb-ran" aria-label="The run">
      {over && (
        <p className="pb-note-line">
          <span className={`pb-state ${over.status}`} role="status">
            {runWords(over.status)}
          </span>{" "}
          {over.facts?.join(" · ")}
        </p>
      )}
      {said.words && said.run === run.id && <Alert words={said.words} late={said.late} />}
      {here?.questions.length ? <Questions asked={here.questions} say={say} done={again} /> : null}
      {over ? (
        <Over run={run.id} turn={turn} told={over} again={again} show={show} />
      ) : (
        <Live run={run.id} titles={here?.titles ?? []} />
      )}
    </section>
  );
}

interface OverProps {
  run: string;
  turn: number;
  told: ToldRun;
  again: () => void;
  show: (node: string) => void;
}

/** A run that has ended, or sleeps: what it gave and what every node did. */
function Over({ run, turn, told, again, show }: OverProps) {
  return (
    <>
      <Waits status={told.status} again={again} />
      {told.warnings?.map((words, i) => (
        <p key={i} className="pb-problem warning">
          {words}
        </p>
      ))}
      {told.problem && <WhyItFailed run={run} problem={told.problem} show={show} />}
      {told.outputs?.map((output) => (
        <section key={output.name} className="pb-result" aria-label={output.name}>
          <h3>{output.name}</h3>
          <ValueHere
            path=""
            side="run"
            port={output.name}
            run={run}
            large={output.node ? { is: "value", node: output.node, side: "in", port: "value" } : null}
          />
          {output.note && <p className="pb-note-line">{output.note}</p>}
        </section>
      ))}
      {told.files && (
        <section className="pb-result" aria-label="Files so far">
          <h3>Files so far</h3>
          <ValueHere path="" side="files" port="files" run={`${run} ${turn}`} />
        </section>
      )}
      {told.status === "finished" && !told.outputs?.length && (
        <p className="pb-note-line">The run has finished without an output: its branch was not taken.</p>
      )}
      <Steps key={run} run={run} steps={told.steps ?? []} />
    </>
  );
}

/** What can be done with a run that waits, or that another process has. */
function Waits({ status, again }: { status: string; again: () => void }) {
  const { doc } = useShared();
  const stop = async () => {
    const told = await get<{ said: string }>(doc.at("stop"), {}, { method: "POST" });
    if (!told || told.said) doc.say(told?.said || "The studio does not answer.");
    again();
  };
  if (status === "waiting")
    return (
      <div className="pb-buttons">
        <button type="button" title="Nobody is asked any more. It can be resumed." onClick={() => void stop()}>
          ■ Stop
        </button>
      </div>
    );
  if (status !== "elsewhere") return null;
  return (
    <>
      <p className="pb-note-line">It was answered elsewhere and goes on in another process.</p>
      <div className="pb-buttons">
        <button type="button" onClick={again}>
          Look again
        </button>
      </div>
    </>
  );
}

interface FailedProps {
  run: string;
  problem: NonNullable<ToldRun["problem"]>;
  show: (node: string) => void;
}

function WhyItFailed({ run, problem, show }: FailedProps) {
  const { node, title } = problem;
  return (
    <>
      <Failure said={problem} where={title} />
      {node && (
        <div className="pb-buttons">
          <button type="button" onClick={() => show(node.split("/")[0])}>
            Show the node
          </button>
        </div>
      )}
      {problem.in.map((port) => (
        <PortFold key={port} path={node} side="in" port={port} run={run} label={`What went in: ${port}`} />
      ))}
    </>
  );
}

/** As it happens: drawn once a frame at most, and seconds go on while nothing is heard. */
function Live({ run, titles }: { run: string; titles: [id: string, title: string][] }) {
  const { statuses } = useShared();
  const box = useRef<RunRoot>(null);
  useEffect(() => {
    let frame = 0;
    const draw = () => {
      frame = 0;
      if (box.current) drawRun(box.current, statuses.progress, { steps: titles, run });
    };
    const soon = () => void (frame ||= requestAnimationFrame(draw));
    draw();
    const leave = statuses.heard.subscribe(soon);
    const clock = setInterval(soon, 200);
    return () => {
      leave();
      clearInterval(clock);
      cancelAnimationFrame(frame);
    };
  }, [statuses, run, titles]);
  return (
    <div className="pb-live">
      <div ref={box as RefObject<HTMLDivElement | null>} />
    </div>
  );
}

function Steps({ run, steps }: { run: string; steps: StepLine[] }) {
  const [many, setMany] = useState(STEPS);
  return (
    <section aria-label="Steps">
      <h3>Steps</h3>
      {steps.slice(0, many).map((step) => (
        <Step key={step.path} run={run} step={step} />
      ))}
      {steps.length > many && (
        <button type="button" className="pb-link" onClick={() => setMany(many + STEPS)}>
          {steps.length - many} more
        </button>
      )}
    </section>
  );
}

function Step({ run, step }: { run: string; step: StepLine }) {
  const [open, setOpen] = useState(false);
  const line = (
    <>
      <i className={`pb-step-mark ${step.status}`}>{MARKS[step.status] || "·"}</i> {step.title}{" "}
      <small>{step.facts.join(" · ")}</small>
    </>
  );
  const style = { marginLeft: 14 * (step.path.split("/").length - 1) };
  if (!step.more)
    return (
      <p className="pb-step" style={style}>
        {line}
      </p>
    );
  return (
    <details className="pb-fold pb-step" style={style} open={open} onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>{line}</summary>
      {open && <StepHere path={step.path} run={run} />}
    </details>
  );
}

function StepHere({ path, run }: { path: string; run: string }) {
  const { doc } = useShared();
  const [tries, setTries] = useState(0);
  const step = useStep(doc, path, `${run} ${tries}`);
  if (step === null) return <div className="pb-wait" aria-hidden="true" />;
  if (step === "failed") return <Unanswered again={() => setTries(tries + 1)} />;
  return <StepDetails path={path} step={step} />;
}
