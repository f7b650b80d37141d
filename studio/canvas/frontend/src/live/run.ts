// A run as it happens: a row for each step, its text as it streams, what an agent does.

import { duration } from "../duration";
import { MARKS, NodeState, Progress, runWords } from "../progress";
import { el, growTrace } from "./elements";
import { byPath, calledPath } from "./titles";

/** The run that is shown. */
export interface RunData {
  /** Path and title of the run's nodes, in the order of the flow, each with those inside it. */
  steps: [path: string, title: string][];
  run: string;
}

/** Where a run is drawn; it remembers the traces, so that what a person unfolded stays so. */
export interface RunRoot extends HTMLElement {
  pbTraces?: Map<string, HTMLElement>;
  pbRoles?: string[];
}

/** Rows that are drawn at once; of more, only those that run or failed. */
const ROWS = 60;
const TEXT_SHOWN = 1500;

export function drawRun(root: RunRoot, progress: Progress, data: RunData): void {
  root.className = "root run";
  const titles = new Map(data.steps);
  const rows = shownPaths(progress, data).flatMap((path) => rowsOf(root, path, progress.nodes.get(path)!, titles));
  drawPanel(root, progress, data, rows);
}

/** The nodes in the order of the flow. */
function shownPaths(progress: Progress, data: RunData): string[] {
  const order = new Map(data.steps.map(([id], index) => [id, index]));
  const place = (path: string) => order.get(path.split("/")[0]) ?? Infinity;
  const paths = [...progress.nodes.keys()];
  paths.sort((a, b) => compare(place(a), place(b)) || byPath(a, b));
  if (paths.length <= ROWS) return paths;
  const telling = (path: string) => ["running", "asking", "failed"].includes(progress.nodes.get(path)?.status ?? "");
  return paths.filter(telling).slice(0, ROWS);
}

const compare = (a: number, b: number): number => (a === b ? 0 : a - b);

function rowsOf(root: RunRoot, path: string, node: NodeState, titles: Map<string, string>): HTMLElement[] {
  const status = node.status ?? "queued";
  const row = el("div", `row ${status}`);
  const [outer, ...inner] = calledPath(path, titles);
  row.style.paddingLeft = `${inner.length * 14}px`;
  row.append(el("span", `mark ${status}`, MARKS[status]));
  row.append(el("span", "title", inner.join(" / ") || outer));
  row.append(el("span", "facts", factsOf(node).join(" · ")));
  const rows: HTMLElement[] = [row];
  if (node.message && status !== "done") rows.push(el("div", `message ${status}`, node.message));
  if (node.steps?.length) {
    const trace = traceOf(root, path);
    growTrace(trace, node.steps, (root.pbRoles ??= []));
    rows.push(trace);
  }
  if (node.text && (status === "running" || status === "waiting")) {
    rows.push(el("div", "text", node.text.slice(-TEXT_SHOWN)));
  }
  return rows;
}

function factsOf(node: NodeState): string[] {
  const facts: string[] = [];
  if (node.tokens) facts.push(`${node.tokens} tokens`);
  if (node.first_token_s) facts.push(`${duration(node.first_token_s)} to first`);
  if (node.per_second) facts.push(`${Math.round(node.per_second)} tokens/s`);
  if (node.status === "cached") facts.push("cached");
  if (node.seconds !== undefined) facts.push(duration(node.seconds));
  else if (node.status === "running" && node.since) facts.push(duration(Math.max(0, Date.now() / 1000 - node.since)));
  return facts;
}

function traceOf(root: RunRoot, path: string): HTMLElement {
  const traces = (root.pbTraces ??= new Map());
  let trace = traces.get(path);
  if (!trace) traces.set(path, (trace = el("div", "trace")));
  return trace;
}

/** What is to be known of the run as a whole; what concerns a node stands at its row. */
function warningsOf(progress: Progress, data: RunData): HTMLElement[] {
  const said = progress.run?.id === data.run ? (progress.run.warnings ?? []) : [];
  return said.map((words) => el("div", "message warning", words));
}

/** How the run is as far as this page has heard, which is sooner than any rerun can say. */
function stateOf(progress: Progress, data: RunData): HTMLElement {
  const status = progress.run?.id === data.run ? progress.run.status : "running";
  const badge = el("div", `state ${status}`, runWords(status));
  badge.setAttribute("role", "status");
  return badge;
}

function drawPanel(root: RunRoot, progress: Progress, data: RunData, rows: HTMLElement[]): void {
  const atEnd = (text: Element) => text.scrollTop + text.clientHeight >= text.scrollHeight - 8;
  const follow = [...root.querySelectorAll(".text")].map(atEnd);
  root.replaceChildren(stateOf(progress, data), ...warningsOf(progress, data), ...rows);
  root.querySelectorAll(".text").forEach((text, index) => {
    if (follow[index] !== false) text.scrollTop = text.scrollHeight;
  });
}
