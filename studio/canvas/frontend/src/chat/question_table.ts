// A table that a person is asked to change: its cells, and rows added and taken away.

import { type TableValue, cellOf } from "../asked";
import { textOf } from "../dock/kept";
import type { Json } from "../model";
import { differenceElement } from "./difference";
import { button, made } from "./parts";
import type { Give } from "./question";

interface Row {
  line: HTMLTableRowElement;
  was: Json[] | null;
  cells: HTMLInputElement[];
  away: HTMLButtonElement;
}

/** A cell stays the kind of value that it was. */
export function tableWay(root: HTMLElement, table: TableValue, give: Give): void {
  const { columns } = table;
  const body = made("tbody");
  const changes = differenceElement();
  let rows: Row[] = [];
  const read = (): Json[][] =>
    rows.map(({ cells, was }) => cells.map((one, i) => cellOf(one.value, was?.[i], table, i)));
  const changed = () => {
    rows.forEach(({ cells, away }, at) => {
      cells.forEach((one, i) => one.setAttribute("aria-label", `${columns[i]}, row ${at + 1}`));
      away.setAttribute("aria-label", `Remove row ${at + 1}`);
    });
    changes.show(linesOf(columns, table.rows), linesOf(columns, read()));
  };
  const add = (was: Json[] | null): Row => {
    const cells = columns.map((_, i) => made("input", { value: textOf(was?.[i]), oninput: changed }));
    const remove = () => {
      rows = rows.filter((one) => one !== row);
      row.line.remove();
      changed();
    };
    const away = button("✕", remove, { class: "sign" });
    const line = made("tr", {}, ...[...cells, away].map((one) => made("td", {}, one)));
    const row: Row = { line, was, cells, away };
    rows.push(row);
    body.append(line);
    return row;
  };
  table.rows.forEach(add);
  changed();
  const more = () => {
    const { cells } = add(null);
    changed();
    cells[0]?.focus();
  };
  const head = made("tr", {}, ...columns.map((name) => made("th", { text: name })), made("th"));
  const send = () => void give({ value: { ...table, rows: read() } as unknown as Json });
  root.append(
    made("div", { class: "table" }, made("table", {}, made("thead", {}, head), body)),
    changes.root,
    made("div", { class: "row" }, button("Answer", send, { class: "act" }), button("Add a row", more)),
  );
}

const linesOf = (columns: string[], rows: Json[][]): string =>
  rows.map((row) => JSON.stringify(Object.fromEntries(columns.map((name, i) => [name, row[i] ?? null])))).join("\n");
