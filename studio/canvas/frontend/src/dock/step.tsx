// What a node did in the last run: how it ended, what its agents did, and its values where they are opened.

import { useEffect, useRef, useState } from "react";
import { get } from "../ask";
import { partOf } from "../large/part";
import type { Sketch } from "../large/values";
import { growTrace } from "../live/elements";
import type { Step } from "../progress";
import type { Doc } from "../store";

export const ValueHere = partOf(() => import("../large/here").then((part) => part.ValueHere));

/** `step_of` in studio/inspector/values.py. */
export interface ToldStep {
  run: string;
  title?: string;
  status: string;
  facts?: string[];
  message?: string;
  problem?: Said | null;
  warnings?: string[];
  steps?: Step[];
  roles?: [who: string, did: string][];
  in?: Record<string, Sketch>;
  out?: Record<string, Sketch>;
}
export interface Said {
  message: string;
  fix: string;
}

/** What is told of a node by its path; asked again where `when` is another. "failed" where nothing came. */
export function useStep(doc: Doc, path: string, when: string): ToldStep | "failed" | null {
  const [found, setFound] = useState<{ path: string; told: ToldStep | "failed" } | null>(null);
  useEffect(() => {
    let gone = false;
    void get<ToldStep>(doc.at("step"), { node: path }).then(
      (told) => gone || setFound({ path, told: told ?? "failed" }),
    );
    return () => void (gone = true);
  }, [doc, path, when]);
  return found?.path === path ? found.told : null;
}

/** All of it below the title that stands above. */
export function StepDetails({ path, step }: { path: string; step: ToldStep }) {
  return (
    <>
      {step.problem ? <Failure said={step.problem} /> : step.message && <p className="pb-note-line">{step.message}</p>}
      {step.warnings?.map((words, i) => (
        <p key={i} className="pb-problem warning">
          {words}
        </p>
      ))}
      <Trace steps={step.steps ?? []} roles={step.roles ?? []} />
      {(["in", "out"] as const).flatMap((side) =>
        Object.keys(step[side] ?? {}).map((port) => (
          <PortFold key={`${side} ${port}`} path={path} side={side} port={port} run={step.run} />
        )),
      )}
    </>
  );
}

/** Words about what a person has just done. */
export function Alert({ words, late = false }: { words: string; late?: boolean }) {
  return (
    <p className={`pb-problem ${late ? "warning" : ""}`} role="alert">
      {words}
    </p>
  );
}

export function Failure({ said, where }: { said: Said; where?: string }) {
  return (
    <p className="pb-problem" role="alert">
      {where && <b>{where} </b>}
      {said.message}
      {said.fix && <span>{said.fix}</span>}
    </p>
  );
}

/** What agents did, step by step, and what each of them spent. */
export function Trace({ steps, roles }: { steps: Step[]; roles: [who: string, did: string][] }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!box.current) return;
    box.current.replaceChildren();
    growTrace(box.current, steps, []);
  }, [steps]);
  if (!steps.length) return null;
  return (
    <>
      <div className="pb-live">
        <div className="root">
          <div className="trace" ref={box} />
        </div>
      </div>
      {roles.map(([who, did]) => (
        <p key={who} className="pb-note-line">
          {who && <b>{who} </b>}
          {did}
        </p>
      ))}
    </>
  );
}

interface FoldProps {
  path: string;
  side: "in" | "out";
  port: string;
  run: string;
  label?: string;
}

/** A value below its port; asked for when it is unfolded. What a node gave is unfolded at first. */
export function PortFold({ path, side, port, run, label }: FoldProps) {
  const [open, setOpen] = useState(side === "out");
  return (
    <details className="pb-fold" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{label ?? `${port} (${side})`}</summary>
      {open && <ValueHere path={path} side={side} port={port} run={run} />}
    </details>
  );
}
