// The line about a node's params; those that matter most can be edited right there.

import { useStore } from "@xyflow/react";
import { useEffect, useRef, useState } from "react";
import { useShared } from "./context";
import { Field } from "./dock/field";
import { keep, valueOf } from "./dock/kept";
import { choicesOf, saidOf, useAsked, useKnown } from "./dock/known";
import { Icon } from "./icons";
import type { FieldSpec, Json, Kind, NodeInstance, Problem } from "./model";

interface Props {
  inst: NodeInstance;
  kind?: Kind;
  summary: string;
  problems: Problem[];
}

export function Front({ inst, kind, summary, problems }: Props) {
  const { doc } = useShared();
  const [open, setOpen] = useState(false);
  const specs = frontOf(kind);
  if (!specs.length || doc.readonly) {
    return summary ? (
      <div className="pb-summary" title={summary}>
        {summary}
      </div>
    ) : null;
  }
  const words = specs.map((spec) => spec.label).join(", ");
  return (
    <div className="pb-summary editable" title={summary}>
      <span>{summary || specs[0].label}</span>
      <button
        type="button"
        className="pb-pen nodrag nopan"
        aria-label={`Edit ${words} here`}
        title={`Edit ${words} here`}
        onClick={(event) => (event.stopPropagation(), setOpen(true))}
        onDoubleClick={(event) => event.stopPropagation()}
      >
        <Icon name="pen" size={12} />
      </button>
      {open && <Editor inst={inst} specs={specs} problems={problems} close={() => setOpen(false)} />}
    </div>
  );
}

/** Lies over the node, which keeps its size. */
function Editor(props: { inst: NodeInstance; specs: FieldSpec[]; problems: Problem[]; close: () => void }) {
  const { inst, specs, problems, close } = props;
  const { doc } = useShared();
  const zoom = useStore((state) => state.transform[2]);
  const known = useKnown(doc, inst.id);
  const [said, ask] = useAsked(doc, inst.id);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => box.current?.querySelector<HTMLElement>("textarea, input, select")?.focus(), []);
  useEffect(() => {
    const outside = (event: Event) => !event.composedPath().includes(box.current as EventTarget) && close();
    window.addEventListener("pointerdown", outside, true);
    return () => window.removeEventListener("pointerdown", outside, true);
  }, [close]);
  const write = (spec: FieldSpec, value: Json) => keep(doc, inst.id, spec, value);
  return (
    <div
      className="pb-front nodrag nopan nowheel"
      ref={box}
      style={{ scale: `${Math.max(1, LEAST / zoom)}` }}
      onDoubleClick={(event) => event.stopPropagation()}
      onKeyDown={(event) => {
        const ends = event.key === "Escape" || (event.key === "Enter" && (event.ctrlKey || event.metaKey));
        event.stopPropagation();
        if (ends) close();
      }}
    >
      {specs.map((spec) => (
        <Field
          key={spec.name}
          node={inst.id}
          here
          spec={spec}
          value={valueOf(inst.params, spec)}
          problems={problems.filter((problem) => problem.param === spec.name)}
          choices={choicesOf(known.choices?.[spec.name], said[spec.name]?.choices)}
          ask={known.askable?.includes(spec.name) ? () => ask(spec.name) : undefined}
          asked={saidOf(said[spec.name])}
          variables={doc.flow.variables}
          write={write}
        />
      ))}
    </div>
  );
}

/** On a canvas that is seen from afar the fields are drawn as at this zoom, so that they can be read. */
const LEAST = 0.95;

/** The fields that a node shows in place. */
export const frontOf = (kind: Kind | undefined): FieldSpec[] =>
  (kind?.front ?? []).flatMap((name) => kind?.fields?.filter((field) => field.name === name) ?? []);
