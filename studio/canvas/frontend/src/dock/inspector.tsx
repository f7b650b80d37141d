// The settings of what is selected: drawn from the flow and the catalog that are here, so there at once.

import { useCallback, useEffect, useMemo, useRef, useSyncExternalStore } from "react";
import { useShared } from "../context";
import { LOAD } from "../documents/nodes";
import { type Part, wordsElement } from "../live/words";
import type { FieldSpec, Json, NodeInstance, Problem } from "../model";
import { catalog } from "../store";
import { titleOf, untitled } from "../types";
import { useDraft } from "./draft";
import { Field, Problems } from "./field";
import { keep, valueOf } from "./kept";
import { choicesOf, saidOf, useAsked, useKnown } from "./known";
import { Policy } from "./policy";
import type { Row } from "./rows";
import { LastValues } from "./last";
import type { ChosenState } from "./state";
import { Table } from "./table";
import { Unanswered } from "./unanswered";
import { TABLE, variableRows, variablesOf } from "./variables";

const NO_PROBLEMS: Problem[] = [];
/** How the flow keeps rows of variables. */
const keptRows = (rows: Json): Json => variableRows(variablesOf(rows as Row[]));
const NO_FIELDS: FieldSpec[] = [];

export function Inspector({ state }: { state: ChosenState }) {
  const { doc } = useShared();
  useSyncExternalStore(state.subscribe, () => state.version);
  const chosen = state.now;
  const nodes = doc.flow.nodes.filter((node) => chosen.nodes.includes(node.id));
  if (nodes.length === 1) return <NodeForm key={nodes[0].id} node={nodes[0]} />;
  if (nodes.length) return <Several nodes={nodes} />;
  return <FlowForm />;
}

// --- nothing, or several nodes, selected --------------------------------------------------------

function FlowForm() {
  const { doc } = useShared();
  const known = useKnown(doc, "");
  const draft = useDraft(doc.flow.description ?? "", (text) =>
    doc.dispatch({ op: "set_meta", description: text }, "description"),
  );
  const setVariables = (rows: Json) => doc.dispatch({ op: "set_meta", variables: variablesOf(rows as Row[]) });
  return (
    <div className="pb-form">
      <p className="pb-note-line">
        {doc.readonly
          ? "Select a node to see its settings, and what it took and gave."
          : "Select a node to see and change its settings."}
      </p>
      <div className="pb-field textarea">
        <label htmlFor="pb-about">About this flow</label>
        <textarea
          id="pb-about"
          rows={7}
          maxLength={20_000}
          readOnly={doc.readonly}
          value={draft.text}
          onChange={(event) => draft.type(event.target.value)}
          onBlur={draft.settle}
        />
      </div>
      <details className="pb-fold" open={!!doc.flow.variables?.length}>
        <summary>Variables</summary>
        <div className="pb-field">
          <p className="pb-note-line">{TABLE.doc}</p>
          <Table
            id="pb-variables"
            spec={TABLE}
            value={variableRows(doc.flow.variables ?? [])}
            write={setVariables}
            kept={keptRows}
          />
        </div>
      </details>
      {known.again && <Unanswered again={known.again} />}
      {known.memory && <p className="pb-note-line">{known.memory}</p>}
      {known.file && <p className="pb-note-line">In the file {known.file}. The Flows page renames it.</p>}
    </div>
  );
}

function Several({ nodes }: { nodes: NodeInstance[] }) {
  const { doc } = useShared();
  const ids = nodes.map((node) => node.id);
  const turn = (disabled: boolean) => doc.dispatch({ op: "disable", nodes: ids, disabled });
  return (
    <div className="pb-form">
      <h3>{nodes.length} nodes selected</h3>
      <div className="pb-buttons">
        <button type="button" onClick={() => turn(true)} disabled={nodes.every((node) => node.disabled)}>
          Switch off
        </button>
        <button type="button" onClick={() => turn(false)} disabled={!nodes.some((node) => node.disabled)}>
          Switch on
        </button>
      </div>
      <ul>
        {nodes.map((node) => (
          <li key={node.id}>{titleOf(node)}</li>
        ))}
      </ul>
    </div>
  );
}

// --- one node -----------------------------------------------------------------------------------

function NodeForm({ node }: { node: NodeInstance }) {
  const { doc } = useShared();
  const kind = catalog.byKind.get(node.kind);
  const known = useKnown(doc, node.id);
  const [said, ask] = useAsked(doc, node.id);
  const fields = kind?.fields ?? NO_FIELDS;
  const found = doc.problems[node.id] ?? NO_PROBLEMS;
  const byParam = useMemo(() => grouped(found, fields), [found, fields]);
  const write = useCallback((spec: FieldSpec, value: Json) => keep(doc, node.id, spec, value), [doc, node.id]);
  return (
    <div className="pb-form" data-node={node.id}>
      <Head node={node} kind={kind?.title ?? node.kind} />
      {!kind && (
        <>
          <p className="pb-problem warning">There is no kind of node called {node.kind} here. Its settings are kept.</p>
          <pre className="pb-json">{JSON.stringify(node.params ?? {}, null, 2)}</pre>
        </>
      )}
      {known.again && <Unanswered again={known.again} />}
      {!!known.facts?.length && (
        <dl className="pb-facts-list">
          {known.facts.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
      {kind?.install && (
        <p className="pb-problem warning">
          This node needs a package that is not installed: <code>{kind.install}</code>
        </p>
      )}
      <Problems items={byParam.get("") ?? NO_PROBLEMS} />
      <fieldset className="pb-settings" disabled={doc.readonly}>
        {fields.map((spec) => (
          <Field
            key={spec.name}
            node={node.id}
            spec={spec}
            value={valueOf(node.params, spec)}
            problems={byParam.get(spec.name) ?? NO_PROBLEMS}
            choices={choicesOf(known.choices?.[spec.name], said[spec.name]?.choices)}
            note={known.notes?.[spec.name]}
            ask={known.askable?.includes(spec.name) ? () => ask(spec.name) : undefined}
            variables={doc.flow.variables}
            asked={saidOf(said[spec.name])}
            write={write}
          />
        ))}
      </fieldset>
      <LastValues node={node.id} />
      {!doc.readonly && <Policy node={node} fields={known.policy ?? NO_FIELDS} />}
      {kind && (
        <details className="pb-fold">
          <summary>About this node</summary>
          {known.about ? <About parts={known.about} /> : <p className="pb-note-line">{kind.doc}</p>}
        </details>
      )}
      {!doc.readonly && (
        <div className="pb-buttons">
          <button type="button" title="Run this node and what it needs." onClick={() => doc.command("run_to", node.id)}>
            Run up to here
          </button>
          <button
            type="button"
            title="Run the flow, this node even where its result is known."
            onClick={() => doc.command("rerun_from", node.id)}
          >
            Run again
          </button>
          {node.kind === LOAD && (
            <button
              type="button"
              title="How each file is read and cut, and what a query finds."
              onClick={() => doc.command("documents", node.id)}
            >
              See the documents
            </button>
          )}
        </div>
      )}
    </div>
  );
}

/** Problems by param; those of no field of the node under "". */
function grouped(problems: Problem[], fields: FieldSpec[]): Map<string, Problem[]> {
  const names = new Set(fields.map((spec) => spec.name));
  const found = new Map<string, Problem[]>();
  for (const problem of problems) {
    const at = problem.param && names.has(problem.param) ? problem.param : "";
    found.set(at, [...(found.get(at) ?? []), problem]);
  }
  return found;
}

function Head({ node, kind }: { node: NodeInstance; kind: string }) {
  const { doc } = useShared();
  const draft = useDraft(node.title ?? "", (text) => {
    const title = text.split(/\s+/).filter(Boolean).join(" ").slice(0, 300);
    doc.dispatch({ op: "rename", node: node.id, title: title || null }, `title ${node.id}`);
  });
  return (
    <>
      <div className="pb-form-head">
        <div className="pb-field">
          <label htmlFor="pb-title">Title</label>
          <input
            id="pb-title"
            value={draft.text}
            placeholder={untitled(node)}
            maxLength={300}
            title="What this node is called on the canvas."
            readOnly={doc.readonly}
            onChange={(event) => draft.type(event.target.value)}
            onBlur={draft.settle}
          />
        </div>
        <label className="pb-on" title="A node that is off is skipped.">
          On
          <input
            type="checkbox"
            role="switch"
            checked={!node.disabled}
            disabled={doc.readonly}
            onChange={(event) => doc.dispatch({ op: "disable", nodes: [node.id], disabled: !event.target.checked })}
          />
        </label>
      </div>
      <p className="pb-note-line">
        {kind} · {node.id}
      </p>
    </>
  );
}

/** Markdown that Python parsed, made into elements by the same code as in the panels. */
function About({ parts }: { parts: Part[] }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => place.current?.replaceChildren(wordsElement(parts)), [parts]);
  return <div ref={place} />;
}
