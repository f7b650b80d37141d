// The line about a node's params; the param that matters most can be edited right there.

import { useEffect, useRef, useState } from "react";
import { useShared } from "./context";
import { Field } from "./dock/field";
import { keep, valueOf } from "./dock/kept";
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
  const spec = kind?.fields?.find((field) => field.name === kind.front);
  if (!spec || doc.readonly) {
    return summary ? (
      <div className="pb-summary" title={summary}>
        {summary}
      </div>
    ) : null;
  }
  return (
    <div className="pb-summary editable" title={summary}>
      <span>{summary || spec.label}</span>
      <button
        type="button"
        className="pb-pen nodrag nopan"
        aria-label={`Edit ${spec.label} here`}
        title={`Edit ${spec.label} here`}
        onClick={(event) => (event.stopPropagation(), setOpen(true))}
        onDoubleClick={(event) => event.stopPropagation()}
      >
        <Icon name="pen" size={12} />
      </button>
      {open && <Editor inst={inst} spec={spec} problems={problems} close={() => setOpen(false)} />}
    </div>
  );
}

/** Lies over the node, which keeps its size. */
function Editor(props: { inst: NodeInstance; spec: FieldSpec; problems: Problem[]; close: () => void }) {
  const { inst, spec, problems, close } = props;
  const { doc } = useShared();
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => box.current?.querySelector<HTMLElement>("textarea, input, select")?.focus(), []);
  useEffect(() => {
    const outside = (event: Event) => !event.composedPath().includes(box.current as EventTarget) && close();
    window.addEventListener("pointerdown", outside, true);
    return () => window.removeEventListener("pointerdown", outside, true);
  }, [close]);
  const write = (_: FieldSpec, value: Json) => keep(doc, inst.id, spec, value);
  return (
    <div
      className="pb-front nodrag nopan nowheel"
      ref={box}
      onDoubleClick={(event) => event.stopPropagation()}
      onKeyDown={(event) => {
        const ends = event.key === "Escape" || (event.key === "Enter" && (event.ctrlKey || event.metaKey));
        event.stopPropagation();
        if (ends) close();
      }}
    >
      <Field
        node={inst.id}
        here
        spec={spec}
        value={valueOf(inst.params, spec)}
        problems={problems.filter((problem) => problem.param === spec.name)}
        choices={NONE}
        variables={doc.flow.variables}
        write={write}
      />
    </div>
  );
}

const NONE: never[] = [];
