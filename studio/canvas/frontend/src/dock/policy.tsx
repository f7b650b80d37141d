// How the engine treats a node: the settings that every kind has, as Python declares them.

import { useShared } from "../context";
import type { FieldSpec, Json, NodeInstance } from "../model";
import { Field } from "./field";
import { sameJson } from "./values";

/** Whether a setting counts under the others: what is waited before a retry, where there is none, does not. */
const counts = (spec: FieldSpec, run: Record<string, Json>): boolean => spec.name !== "backoff_s" || !!run.retries;

export function Policy({ node, fields }: { node: NodeInstance; fields: FieldSpec[] }) {
  const { doc } = useShared();
  const run = node.run ?? {};
  const held = (spec: FieldSpec): Json | undefined => (spec.name in run ? run[spec.name] : spec.default);
  const set = (spec: FieldSpec, value: Json) => {
    const next = spec.nullable && !value ? null : value;
    if (sameJson(held(spec), next)) return;
    doc.dispatch({ op: "set_run", node: node.id, run: { [spec.name]: next } }, `run ${node.id} ${spec.name}`);
  };
  return (
    <details className="pb-fold">
      <summary>How it runs{Object.keys(run).length ? " (changed)" : ""}</summary>
      {fields
        .filter((spec) => counts(spec, run))
        .map((spec) => (
          <Field
            key={spec.name}
            node={`${node.id}-run`}
            spec={spec}
            value={held(spec)}
            problems={NONE}
            choices={NONE}
            write={set}
          />
        ))}
    </details>
  );
}

const NONE: never[] = [];
