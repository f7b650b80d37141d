// Rows that can be written in, added, moved and taken away.

import { useEffect, useRef, useState } from "react";
import { Icon } from "../icons";
import type { FieldSpec, Json, Schema } from "../model";
import { type Row, cellKind, cellText, cellValue, columnsOf, emptyRow, rowsOf, valueOf } from "./rows";
import { sameJson } from "./values";

const PAUSE_MS = 250;

interface Props {
  id: string;
  spec: FieldSpec;
  value: Json | undefined;
  write: (value: Json) => void;
  /** What the flow makes of a value that is written, where that is another: rows that are begun stay. */
  kept?: (value: Json) => Json;
}

/** The rows as they are shown: also those that say nothing yet, which the flow does not hold. */
function useRows({
  spec,
  value,
  write,
  kept = (it) => it,
}: Props): [rows: Row[], change: (rows: Row[], soon?: boolean) => void] {
  const [rows, setRows] = useState(() => rowsOf(spec, value) ?? []);
  const seen = useRef<Json>(value ?? null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const waiting = useRef<Row[] | null>(null);
  const flush = () => {
    clearTimeout(timer.current);
    if (!waiting.current) return;
    const said = valueOf(spec, waiting.current);
    waiting.current = null;
    seen.current = kept(said);
    write(said);
  };
  const last = useRef(flush);
  last.current = flush;
  useEffect(() => {
    if (waiting.current || sameJson(seen.current, value ?? null)) return;
    seen.current = value ?? null; // somebody else changed it
    setRows(rowsOf(spec, value) ?? []);
  }, [value]);
  useEffect(() => () => last.current(), []);
  const change = (next: Row[], soon = false) => {
    setRows(next);
    waiting.current = next;
    clearTimeout(timer.current);
    if (soon) flush();
    else timer.current = setTimeout(() => last.current(), PAUSE_MS);
  };
  return [rows, change];
}

export function Table(props: Props) {
  const { id, spec } = props;
  const [rows, change] = useRows(props);
  const columns = Object.entries(columnsOf(spec));
  const body = useRef<HTMLTableSectionElement>(null);
  const set = (index: number, name: string, cell: Json) =>
    change(rows.map((row, at) => (at === index ? { ...row, [name]: cell } : row)));
  const add = () => {
    change([...rows, emptyRow(spec)], true);
    setTimeout(() => body.current?.lastElementChild?.querySelector<HTMLElement>("input, textarea, select")?.focus());
  };
  const remove = (index: number) =>
    change(
      rows.filter((_, at) => at !== index),
      true,
    );
  const move = (index: number, by: number) => {
    const next = [...rows];
    const [row] = next.splice(index, 1);
    next.splice(index + by, 0, row);
    change(next, true);
  };
  return (
    <div className="pb-table" id={id}>
      <table>
        {spec.shape !== "list" && rows.length > 0 && (
          <thead>
            <tr>
              {columns.map(([name, schema]) => (
                <th key={name} title={schema.description}>
                  {name.replaceAll("_", " ")}
                </th>
              ))}
              <th aria-label="Order" />
            </tr>
          </thead>
        )}
        <tbody ref={body}>
          {rows.map((row, index) => (
            <tr key={index}>
              {columns.map(([name, schema]) => (
                <td key={name}>
                  <CellField
                    label={`${name.replaceAll("_", " ")}, row ${index + 1}`}
                    schema={schema}
                    value={row[name]}
                    write={(cell) => set(index, name, cell)}
                  />
                </td>
              ))}
              <td className="pb-row-tools">
                <button
                  type="button"
                  className="pb-tool up"
                  title="Up"
                  aria-label={`Row ${index + 1} up`}
                  disabled={!index}
                  onClick={() => move(index, -1)}
                >
                  <Icon name="chevron" size={12} />
                </button>
                <button
                  type="button"
                  className="pb-tool"
                  title="Remove"
                  aria-label={`Remove row ${index + 1}`}
                  onClick={() => remove(index)}
                >
                  <Icon name="close" size={12} />
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <button type="button" className="pb-add" onClick={add}>
        <Icon name="plus" size={13} /> Add a row
      </button>
    </div>
  );
}

interface CellProps {
  label: string;
  schema: Schema;
  value: Json | undefined;
  write: (cell: Json) => void;
}

function CellField({ label, schema, value, write }: CellProps) {
  const kind = cellKind(schema);
  if (kind === "switch")
    return (
      <input
        type="checkbox"
        aria-label={label}
        checked={value === true}
        onChange={(event) => write(event.target.checked)}
      />
    );
  if (kind === "choice") {
    const options = schema.enum ?? [];
    const at = options.findIndex((option) => sameJson(option, value));
    return (
      <select
        aria-label={label}
        value={at}
        onChange={(event) => write(event.target.value === "-1" ? null : options[Number(event.target.value)])}
      >
        {(schema.optional || at < 0) && <option value={-1}>{""}</option>}
        {options.map((option, index) => (
          <option key={index} value={index}>
            {String(option)}
          </option>
        ))}
      </select>
    );
  }
  return <Words label={label} kind={kind} value={value} write={write} max={schema.maxLength} />;
}

/** A cell of text grows with it; of numbers it is one line. */
function Words({
  label,
  kind,
  value,
  write,
  max,
}: {
  label: string;
  kind: ReturnType<typeof cellKind>;
  value: Json | undefined;
  write: (cell: Json) => void;
  max?: number;
}) {
  const [typed, setTyped] = useState<string | null>(null);
  const text = typed ?? cellText(value, kind);
  const type = (next: string) => {
    setTyped(next);
    write(cellValue(next, kind));
  };
  const shared = {
    "aria-label": label,
    value: text,
    maxLength: max,
    spellCheck: kind === "text",
    onBlur: () => setTyped(null),
  };
  if (kind === "whole" || kind === "number")
    return <input {...shared} inputMode="decimal" onChange={(event) => type(event.target.value)} />;
  return (
    <textarea
      {...shared}
      rows={1}
      placeholder={kind === "texts" ? "one a line" : undefined}
      onChange={(event) => type(event.target.value)}
    />
  );
}
