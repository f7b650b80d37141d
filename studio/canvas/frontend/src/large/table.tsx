// A table of any length: only the rows that are in view are drawn.

import { useMemo, useRef, useState } from "react";
import { textOf } from "../dock/kept";
import { saveBlob } from "../files";
import type { Json } from "../model";
import { type Order, csvOf, filtered, sorted } from "./rows";

const ROW = 28;
const AROUND = 12;
/** Pixels of a column: what one with a long text has at the least, and how much more than others it may take. */
const LEAST = 180;
const MOST = 960;

interface RowStyle {
  width: number;
  gridTemplateColumns: string;
}

interface Props {
  table: { columns: string[]; rows: Json[][]; title?: string };
  /** Whether these are all of its rows: only then are they worth a file. */
  whole?: boolean;
}
/** The column of a table that says which pieces of a text a model learns, and how its words are marked. */
const LEARNED = "learned";
const MASK: Record<string, string> = { learned: "is-learned", "cut off": "is-cut-off" };

export function Table({ table, whole = true }: Props) {
  const { columns, rows, title } = table;
  const [query, setQuery] = useState("");
  const [order, setOrder] = useState<Order | null>(null);
  const [top, setTop] = useState(0);
  const box = useRef<HTMLDivElement>(null);
  const shown = useMemo(() => sorted(filtered(rows, query), order), [rows, query, order]);
  const high = box.current?.clientHeight ?? 700;
  const from = Math.max(0, Math.floor(top / ROW) - AROUND);
  const to = Math.min(shown.length, Math.ceil((top + high) / ROW) + AROUND);
  const widths = useMemo(() => widthsOf(columns, rows), [columns, rows]);
  const learned = columns.indexOf(LEARNED);
  const turn = (column: number) => setOrder((old) => next(old, column));
  return (
    <div className="pb-grid">
      <div className="pb-tree-head">
        {title && <b>{title}</b>}
        <input
          type="search"
          placeholder="Filter rows"
          aria-label="Filter rows"
          value={query}
          onChange={(event) => (setQuery(event.target.value), box.current?.scrollTo({ top: 0 }))}
        />
        <span role="status">
          {shown.length.toLocaleString("en-US")} of {rows.length.toLocaleString("en-US")} rows
        </span>
        {whole && (
          <button
            type="button"
            className="pb-add"
            onClick={() => saveBlob("table.csv", csvBlob(csvOf(columns, shown)))}
          >
            Export CSV
          </button>
        )}
      </div>
      <div
        className="pb-grid-rows"
        role="table"
        aria-label={title || "Table"}
        aria-rowcount={shown.length + 1}
        tabIndex={0}
        ref={box}
        onScroll={(event) => setTop(event.currentTarget.scrollTop)}
      >
        <div className="head" role="row" style={widths}>
          {columns.map((name, i) => (
            <div
              key={i}
              role="columnheader"
              aria-sort={order?.column === i ? (order.down ? "descending" : "ascending") : "none"}
            >
              <button type="button" title={`Sort by ${name}`} onClick={() => turn(i)}>
                {name}
                <i aria-hidden="true">{order?.column === i ? (order.down ? "↓" : "↑") : ""}</i>
              </button>
            </div>
          ))}
        </div>
        <div role="rowgroup" style={{ height: shown.length * ROW, position: "relative" }}>
          {shown.slice(from, to).map((row, i) => (
            <div
              key={from + i}
              role="row"
              className={learned < 0 ? undefined : MASK[String(row[learned])]}
              aria-rowindex={from + i + 2}
              style={{ top: (from + i) * ROW, ...widths }}
            >
              {columns.map((_, column) => (
                <div
                  key={column}
                  role="cell"
                  className={typeof row[column] === "number" ? "number" : ""}
                  title={textOf(row[column])}
                >
                  {textOf(row[column])}
                </div>
              ))}
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}

const csvBlob = (text: string): Blob => new Blob([text], { type: "text/csv;charset=utf-8" });

const next = (old: Order | null, column: number): Order | null =>
  old?.column !== column ? { column, down: false } : old.down ? null : { column, down: true };

/** As wide as what the first rows hold, within bounds: what is left over goes to those that hold more. */
export function widthsOf(columns: string[], rows: Json[][]): RowStyle {
  const wanted = columns.map((name, i) => {
    const longest = Math.max(name.length + 2, ...rows.slice(0, 50).map((row) => textOf(row[i]).length));
    return Math.max(64, longest * 8 + 24);
  });
  const least = wanted.map((wide) => Math.min(wide, LEAST));
  return {
    // As wide as its columns, or as the table: of its own accord a row is as wide as its longest text.
    width: least.reduce((sum, one) => sum + one, 0),
    gridTemplateColumns: wanted.map((wide, i) => `minmax(${least[i]}px, ${Math.min(wide, MOST)}fr)`).join(" "),
  };
}
