// What stands above a person's flows: those opened last, folders and tags to choose among, and how to sort.

import type { Bar, CardsRoot } from "./cards";
import { el } from "./elements";
import { topicRow } from "./topics";

export function drawBar(root: CardsRoot, bar: Bar): HTMLElement[] {
  const rows: HTMLElement[] = [];
  if (bar.recent.length) rows.push(recentRow(root, bar.recent));
  const row = el("div", "bar-row");
  if (bar.choices.length)
    row.append(topicRow(bar.choices, bar.chosen, (now) => root.pbHeard?.ask("choose", now), "Folder or tag"));
  if (bar.sorts.length > 1) row.append(sortField(root, bar));
  if (row.childElementCount) rows.push(row);
  return rows;
}

function recentRow(root: CardsRoot, recent: Bar["recent"]): HTMLElement {
  const row = el("nav", "recent");
  row.setAttribute("aria-label", "Opened last");
  row.append(el("span", "", "Opened last"));
  for (const [name, title] of recent) {
    const button = el("button", "", title);
    button.type = "button";
    button.onclick = () => root.pbHeard?.ask("open", name);
    row.append(button);
  }
  return row;
}

function sortField(root: CardsRoot, bar: Bar): HTMLElement {
  const label = el("label", "sort", "Sort by ");
  const select = el("select");
  for (const name of bar.sorts) {
    const option = el("option", "", name);
    option.value = name;
    option.selected = name === bar.sort;
    select.append(option);
  }
  select.onchange = () => root.pbHeard?.ask("sort", select.value);
  label.append(select);
  return label;
}
