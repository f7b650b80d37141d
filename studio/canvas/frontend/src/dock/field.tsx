// One widget for each shape of a field: a table that the compiler keeps whole.

import { ComponentType, memo, useState } from "react";
import { useShared, useTried } from "../context";
import { Icon } from "../icons";
import type { FieldSpec, Json, Problem, Shape, Variable } from "../model";
import { type Choice, Combo } from "./combo";
import { useDraft } from "./draft";
import { textOf, typedInto } from "./kept";
import { TOO_LARGE, isExact, parseLenient, written } from "./lenient_json";
import { rowsOf } from "./rows";
import { spoken, toneOf, worstOf } from "./spoken";
import { Table } from "./table";
import { referenceIn } from "./variables";
import { emptied, sameJson, stepOf } from "./values";

/** What a widget is given. `write` puts a new value into the flow. */
export interface WidgetProps {
  id: string;
  spec: FieldSpec;
  value: Json | undefined;
  choices: Choice[];
  write: (value: Json) => void;
  /** Hears each key: what the text means for the node is drawn before it is kept. */
  typing?: (text: string) => void;
}

const WIDGETS: Record<Shape, ComponentType<WidgetProps>> = {
  text: Line,
  file: Line,
  folder: Line,
  textarea: Words,
  code: Words,
  integer: NumberField,
  number: NumberField,
  slider: Slider,
  switch: Switch,
  choice: Select,
  list: Rows,
  table: Rows,
  mapping: Rows,
  json: JsonField,
  secret: Secret,
  model: Named,
  adapter: Named,
  flow: Named,
};

interface Props {
  node: string;
  /** On the node itself, over the canvas: beside the field of its settings, and never opened in large. */
  here?: boolean;
  spec: FieldSpec;
  value: Json | undefined;
  problems: Problem[];
  choices: Choice[];
  note?: string;
  ask?: () => void;
  asked?: string;
  variables?: Variable[];
  write: (spec: FieldSpec, value: Json) => void;
}

export const Field = memo(function Field(props: Props) {
  const { node, here, spec, value, problems, choices, note, ask, asked, variables = NO_VARIABLES, write } = props;
  const id = fieldId(here ? `${node}-here` : node, spec.name);
  const Widget = WIDGETS[spec.shape];
  const { doc, large } = useShared();
  const tried = useTried();
  const reference = referenceIn(value);
  const words = spec.shape === "textarea" || spec.shape === "code";
  const long = words && !reference && !here;
  // A text is never written as an object, so this names a variable even where the flow has none any more.
  const refers = !!reference && (variables.length > 0 || words);
  const bad = problems.length > 0 && worstOf(problems, tried) === "error";
  return (
    <div className={`pb-field ${spec.shape} ${bad ? "bad" : ""}`}>
      <label htmlFor={id} title={spec.doc}>
        {spec.label}
        {spec.required && <i title="Needed"> *</i>}
        {spec.doc && <Doc text={spec.doc} />}
        {long && (
          <button
            type="button"
            className="pb-grow"
            title="Open in large"
            aria-label={`Open ${spec.label} in large`}
            onClick={(event) => {
              event.preventDefault();
              large.show({ is: "prompt", node, param: spec.name });
            }}
          >
            ⤢
          </button>
        )}
        {variables.length > 0 && !reference && (
          <button
            type="button"
            className="pb-link take"
            title="Take the value of a variable of the flow"
            aria-label={`Take ${spec.label} from a variable`}
            onClick={(event) => {
              event.preventDefault();
              write(spec, { variable: variables[0].name });
            }}
          >
            {"{x}"}
          </button>
        )}
      </label>
      {refers ? (
        <Reference id={id} spec={spec} value={value} variables={variables} write={(next) => write(spec, next)} />
      ) : isExact(value) ? (
        <Widget
          id={id}
          spec={spec}
          value={value}
          choices={choices}
          write={(next) => write(spec, next)}
          typing={(text) => doc.foresee(node, spec.name, text)}
        />
      ) : (
        <p className="pb-note-line">{TOO_LARGE}</p>
      )}
      {ask && (
        <button type="button" className="pb-link" onClick={ask} title="Asks the server what it has.">
          {choices.length ? "Ask again" : "List models"}
        </button>
      )}
      {asked && (
        <p className="pb-problem warning" role="status">
          {asked}
        </p>
      )}
      {note && <p className="pb-note-line">{note}</p>}
      {spec.unknown && (
        <p className="pb-note-line">
          The node asks for the widget "{spec.unknown}", which this studio does not have. It is drawn as its type says.
        </p>
      )}
      <Problems items={problems} />
    </div>
  );
});

/** What the element is called in which a param of a node is typed. */
export const fieldId = (node: string, param: string): string => `pb-f-${node}-${param}`;

const NO_VARIABLES: Variable[] = [];

/** A param that takes a variable of the flow: which one, and a way back to a value of its own. */
function Reference({ id, spec, value, variables, write }: Omit<WidgetProps, "choices"> & { variables: Variable[] }) {
  const name = referenceIn(value);
  const known = variables.find((one) => one.name === name);
  return (
    <>
      <select id={id} value={name} onChange={(event) => write({ variable: event.target.value })}>
        {!known && <option value={name}>{name} (there is none of this name)</option>}
        {variables.map((one) => (
          <option key={one.name} value={one.name}>
            {one.name}
          </option>
        ))}
      </select>
      <button
        type="button"
        className="pb-link"
        title="Write the value here, in place of the variable."
        onClick={() => write(known?.value ?? spec.default ?? null)}
      >
        Use a value of its own
      </button>
    </>
  );
}

/** What a field is for: shown when asked, so that fields stay close together. */
function Doc({ text }: { text: string }) {
  return (
    <span className="pb-doc" role="note" tabIndex={0} aria-label={text} data-doc={text}>
      <Icon name="help" size={13} />
    </span>
  );
}

export function Problems({ items }: { items: Problem[] }) {
  const { doc } = useShared();
  const tried = useTried();
  return items.map((problem) => (
    <p key={problem.code + problem.message} className={`pb-problem ${toneOf(problem, tried)}`}>
      {spoken(problem.message, doc.flow)}
      {problem.fix && <span> {spoken(problem.fix, doc.flow)}</span>}
    </p>
  ));
}

// --- text ---------------------------------------------------------------------------------------

const useText = ({ spec, value, write }: WidgetProps) =>
  useDraft(textOf(value), (text) => write(typedInto(spec, text)));

function Line(props: WidgetProps) {
  const draft = useText(props);
  return (
    <input
      id={props.id}
      value={draft.text}
      maxLength={props.spec.max_length}
      onChange={(event) => draft.type(event.target.value)}
      onBlur={draft.settle}
    />
  );
}

function Words(props: WidgetProps) {
  const draft = useText(props);
  const { shape } = props.spec;
  return (
    <textarea
      id={props.id}
      className={shape === "code" ? "code" : ""}
      spellCheck={shape !== "code"}
      rows={Math.min(14, Math.max(3, draft.text.split("\n").length + Math.floor(draft.text.length / 46) + 1))}
      value={draft.text}
      onChange={(event) => {
        draft.type(event.target.value);
        props.typing?.(event.target.value);
      }}
      onBlur={draft.settle}
    />
  );
}

function Secret({ id, value, write }: WidgetProps) {
  const held = typeof value === "object" && value && !Array.isArray(value) ? textOf(value.secret) : "";
  const draft = useDraft(held, (text) => write(text.trim() ? { secret: text.trim() } : null));
  return (
    <input
      id={id}
      value={draft.text}
      placeholder="NAME_OF_THE_VARIABLE"
      title="The name of a secret, never the secret itself."
      autoComplete="off"
      spellCheck={false}
      onChange={(event) => draft.type(event.target.value)}
      onBlur={draft.settle}
    />
  );
}

function Named({ id, spec, value, choices, write }: WidgetProps) {
  return (
    <Combo
      id={id}
      value={textOf(value)}
      choices={choices}
      placeholder="Choose, or type"
      write={(text) => write(typedInto(spec, text))}
    />
  );
}

// --- numbers and choices ------------------------------------------------------------------------

function NumberField({ id, spec, value, write }: WidgetProps) {
  const draft = useDraft(value === null || value === undefined ? "" : textOf(value), (text) => {
    const number = Number(text);
    // What is no number is kept as it was typed: the flow's check says what is wrong with it.
    write(!text.trim() ? emptied(spec) : Number.isFinite(number) ? number : text);
  });
  const low = spec.minimum;
  const high = spec.maximum;
  const step = (by: number) => {
    const from = Number(draft.text) || 0;
    const next = Math.min(high ?? Infinity, Math.max(low ?? -Infinity, from + by * stepOf(spec)));
    draft.type(String(Number(next.toPrecision(12))));
  };
  return (
    <input
      id={id}
      inputMode={spec.shape === "integer" ? "numeric" : "decimal"}
      role="spinbutton"
      aria-valuemin={low}
      aria-valuemax={high}
      aria-valuenow={Number(draft.text) || undefined}
      autoComplete="off"
      value={draft.text}
      placeholder={spec.nullable ? "not set" : ""}
      onChange={(event) => draft.type(event.target.value)}
      onBlur={draft.settle}
      onKeyDown={(event) => {
        const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
        if (!by) return;
        event.preventDefault();
        step(event.shiftKey ? by * 10 : by);
      }}
    />
  );
}

function Slider(props: WidgetProps) {
  const { id, spec, value, write } = props;
  const { minimum: low, maximum: high } = spec;
  const [held, setHeld] = useState<number | null>(null);
  if (low === undefined || high === undefined || typeof value !== "number" || value < low || value > high)
    return <NumberField {...props} />;
  const let_go = () => {
    if (held !== null) write(held);
    setHeld(null);
  };
  return (
    <div className="pb-slider">
      <input
        id={id}
        type="range"
        min={low}
        max={high}
        step={stepOf(spec)}
        value={held ?? value}
        onChange={(event) => setHeld(Number(event.target.value))}
        onPointerUp={let_go}
        onKeyUp={let_go}
        onBlur={let_go}
      />
      <output htmlFor={id}>{held ?? value}</output>
    </div>
  );
}

function Switch({ id, value, write }: WidgetProps) {
  return (
    <input
      id={id}
      type="checkbox"
      role="switch"
      checked={value === true}
      onChange={(event) => write(event.target.checked)}
    />
  );
}

function Select({ id, spec, value, write }: WidgetProps) {
  const options: Json[] = [...(spec.choices ?? [])];
  const set = value !== null && value !== undefined;
  if (set && !options.some((option) => sameJson(option, value))) options.push(value);
  const at = options.findIndex((option) => sameJson(option, value));
  return (
    <select
      id={id}
      value={at}
      onChange={(event) => write(event.target.value === "-1" ? null : options[Number(event.target.value)])}
    >
      {(spec.nullable || at < 0) && <option value={-1}>{spec.nullable ? "not set" : "Choose"}</option>}
      {options.map((option, index) => (
        <option key={index} value={index}>
          {spec.words?.[String(option)] ?? String(option)}
        </option>
      ))}
    </select>
  );
}

// --- rows and JSON ------------------------------------------------------------------------------

function Rows(props: WidgetProps) {
  if (rowsOf(props.spec, props.value)) return <Table {...props} />;
  return (
    <>
      <JsonField {...props} />
      <p className="pb-note-line">What is stored here is no table, so it is shown as JSON.</p>
    </>
  );
}

function JsonField({ id, value, write }: WidgetProps) {
  const [wrong, setWrong] = useState("");
  const draft = useDraft(written(value), (text) => {
    const { value: read, error } = parseLenient(text);
    setWrong(error);
    if (!error) write(read);
  });
  const lines = draft.text.split("\n").length;
  return (
    <>
      <textarea
        id={id}
        className="code"
        rows={Math.min(12, lines + 1)}
        spellCheck={false}
        value={draft.text}
        onChange={(event) => draft.type(event.target.value)}
        // What is no JSON yet stays as it was typed: leaving the field loses nothing.
        onBlur={() => wrong || draft.settle()}
      />
      {wrong && (
        <p className="pb-problem warning" role="alert">
          {wrong}
        </p>
      )}
    </>
  );
}
