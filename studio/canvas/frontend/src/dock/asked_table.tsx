// A table that a person is asked to change: its cells, and rows added and taken away.

import { useState } from "react";
import { type TableValue, cellOf } from "../asked";
import type { Json } from "../model";
import { Changes } from "./changes";
import { textOf } from "./kept";
import type { Give } from "./questions";

interface Row {
  key: number;
  was: Json[] | null;
  cells: string[];
}

export function AskedTable({ table, give }: { table: TableValue; give: Give }) {
  const { columns } = table;
  const [rows, setRows] = useState<Row[]>(() =>
    table.rows.map((row, key) => ({ key, was: row, cells: columns.map((_, i) => textOf(row[i])) })),
  );
  const [next, setNext] = useState(table.rows.length);
  const write = (key: number, column: number, text: string) =>
    setRows(
      rows.map((row) =>
        row.key === key ? { ...row, cells: row.cells.map((cell, i) => (i === column ? text : cell)) } : row,
      ),
    );
  const add = () => {
    setRows([...rows, { key: next, was: null, cells: columns.map(() => "") }]);
    setNext(next + 1);
  };
  const read = rows.map((row) => row.cells.map((cell, i) => cellOf(cell, row.was?.[i], table, i)));
  return (
    <>
      <div className="pb-table pb-field">
        <table>
          <thead>
            <tr>
              {columns.map((name) => (
                <th key={name}>{name}</th>
              ))}
              <th />
            </tr>
          </thead>
          <tbody>
            {rows.map((row, at) => (
              <tr key={row.key}>
                {columns.map((name, i) => (
                  <td key={name}>
                    <input
                      aria-label={`${name}, row ${at + 1}`}
                      value={row.cells[i]}
                      onChange={(event) => write(row.key, i, event.target.value)}
                    />
                  </td>
                ))}
                <td className="pb-row-tools">
                  <button
                    type="button"
                    className="pb-tool"
                    aria-label={`Remove row ${at + 1}`}
                    onClick={() => setRows(rows.filter((one) => one.key !== row.key))}
                  >
                    ✕
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
        <button type="button" className="pb-add" onClick={add}>
          Add a row
        </button>
      </div>
      <Changes before={lines(columns, table.rows)} after={lines(columns, read)} />
      <div className="pb-buttons">
        <button type="button" className="fix" onClick={() => void give({ ...table, rows: read } as unknown as Json)}>
          Answer
        </button>
      </div>
    </>
  );
}

const lines = (columns: string[], rows: Json[][]): string =>
  rows.map((row) => JSON.stringify(Object.fromEntries(columns.map((name, i) => [name, row[i] ?? null])))).join("\n");
