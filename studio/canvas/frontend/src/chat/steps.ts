// What is done for an answer, folded: a row for each node whose title is known, what agents do, what is warned of.

import { duration } from "../duration";
import { growTrace } from "../live/elements";
import { calledPath } from "../live/titles";
import { MARKS, type State, type Step } from "../progress";
import type { Done } from "./caller";
import type { RunEvent } from "./events";
import { made, plural } from "./parts";

/** Seconds after which a pace says something, and totals that count bytes, of which a share says enough. */
const SURE_S = 3;
const COUNTED = 1_000_000;

interface Row {
  root: HTMLElement;
  trace: HTMLElement;
  steps: Step[];
  status: string;
}

export class Steps {
  readonly root = made("details", { class: "fold steps", hidden: true });
  private readonly summary = made("summary", { text: "Steps" });
  private readonly body = made("div", { class: "rows" });
  private readonly rows = new Map<string, Row>();
  private readonly roles: string[] = [];
  private readonly pace = new Pace();
  private titles = new Map<string, string>();
  /** What steps of a run that is over are called, which come with all their words. */
  private readonly named = new Map<string, string>();
  private said = 0;

  constructor() {
    this.root.append(this.summary, this.body);
  }

  /** Forget all of it: it is told again. */
  clear(): void {
    this.rows.clear();
    this.body.replaceChildren();
    this.said = 0;
    this.count();
  }

  know(titles: Record<string, string>): void {
    this.titles = new Map(Object.entries(titles));
  }

  /** What is at work now, in words; "" where only the node's own name is known. */
  take(event: RunEvent): string {
    const node = String(event.node ?? "");
    switch (event.type) {
      case "node_started":
        return this.tell(node, "running", "");
      case "node_progress":
        return this.tell(node, "running", this.pace.words(event));
      case "node_waiting": {
        const before = Number(event.position) - 1;
        const place = before > 0 ? `${before} before it` : "next in line";
        return this.tell(node, "waiting", `Waits for ${String(event.resource)}, ${place}`);
      }
      case "node_retrying":
        return this.tell(node, "running", `Tries again: ${messageOf(event)}`);
      case "node_asked":
        return this.tell(node, "asking", "Asks");
      case "node_finished": {
        const cached = event.source !== "run";
        const spent = [tokensOf(event), cached ? "cached" : duration(Number(event.seconds) || 0)];
        this.tell(node, cached ? "cached" : "done", spent.filter(Boolean).join(" · "));
        return "";
      }
      case "node_failed":
        return this.tell(node, "failed", messageOf(event));
      case "node_stopped":
        return this.tell(node, "cancelled", String(event.message ?? ""));
      case "node_skipped":
        return this.tell(node, "skipped", String(event.reason ?? ""));
      case "node_stepped":
        this.step(node, stepOf(event));
        return "";
      case "node_warned":
      case "run_warned":
        this.warn(String(event.message));
        return "";
      case "run_started":
      case "run_finished":
      case "run_failed":
      case "run_cancelled":
      case "run_waiting":
      case "node_streamed":
      case "node_answered":
        return ""; // answer.ts tells these
      default:
        event.type satisfies never; // a server that was renewed may know more: that is passed over
        return "";
    }
  }

  /** What was done in a run that is over. */
  past(done: Done[]): void {
    for (const { node, title, steps } of done) {
      this.named.set(node, title);
      this.tell(node, "done", "");
      for (const step of steps) this.step(node, step);
    }
  }

  warn(message: string): void {
    this.body.append(made("p", { class: "warning", text: message }));
    this.said++;
    this.count();
  }

  private tell(node: string, status: State, words: string): string {
    const title = this.titleOf(node);
    if (title === undefined) return words;
    const row = this.row(node);
    row.status = status;
    const inner = node.split("/").length > 1 ? " inner" : "";
    const mark = made("span", { class: `mark ${status}`, text: MARKS[status] || "·" });
    const head = made("div", { class: `row-head${inner}` }, mark, made("span", { class: "title", text: title }));
    if (words) head.append(made("span", { class: "soft", text: words }));
    row.root.firstChild!.replaceWith(head);
    this.count();
    return status === "running" && !words ? title : words && `${title}: ${words}`;
  }

  private step(node: string, step: Step): void {
    const row = this.row(node);
    row.steps.push(step);
    growTrace(row.trace, row.steps, this.roles);
    this.said++;
    this.count();
  }

  private row(node: string): Row {
    let row = this.rows.get(node);
    if (!row) {
      const root = made("div", {}, made("div"));
      const trace = made("div", { class: "trace" });
      root.append(trace);
      this.body.append(root);
      this.rows.set(node, (row = { root, trace, steps: [], status: "" }));
    }
    return row;
  }

  private titleOf(node: string): string | undefined {
    const known = this.titles.has(node.split("/")[0]);
    return this.named.get(node) ?? (known ? calledPath(node, this.titles).join(" / ") : undefined);
  }

  private count(): void {
    const rows = [...this.rows.values()].filter((row) => row.status).length;
    this.root.hidden = !rows && !this.said;
    this.summary.textContent = this.said ? plural(this.said, "step") : plural(rows, "node");
  }
}

const messageOf = (event: RunEvent): string => (event.problem as { message?: string } | undefined)?.message ?? "";

function tokensOf(event: RunEvent): string {
  const { prompt = 0, completion = 0 } = (event.tokens ?? {}) as { prompt?: number; completion?: number };
  return prompt + completion ? plural(prompt + completion, "token") : "";
}

function stepOf(event: RunEvent): Step {
  const step: Step = { what: String(event.what ?? "note"), text: String(event.text ?? "") };
  if (event.who) step.who = String(event.who);
  if (event.tool) step.tool = String(event.tool);
  if (typeof event.seconds === "number") step.seconds = event.seconds;
  const { prompt = 0, completion = 0 } = (event.tokens ?? {}) as { prompt?: number; completion?: number };
  if (prompt + completion) step.tokens = prompt + completion;
  return step;
}

/** How fast something goes that tells how far it is, as `Pace` of studio/runs/progress.py words it. */
class Pace {
  private label = "";
  private since = 0;
  private before = 0;

  words(event: RunEvent): string {
    const label = String(event.label ?? "");
    const [done, total, at] = [Number(event.done), Number(event.total), Number(event.at)];
    if (label !== this.label || done < this.before) Object.assign(this, { label, since: at, before: done });
    if (!total) return label;
    const count = (value: number) => Math.round(value).toLocaleString("en-US");
    const counted = total < COUNTED ? ` ${count(done)} of ${count(total)},` : "";
    const words = `${label}${counted} ${Math.round((done / total) * 100)}%`;
    const [passed, made] = [at - this.since, done - this.before];
    if (!(passed >= SURE_S) || made <= 0 || done >= total) return words;
    return `${words}, ${duration(Math.max(1, ((total - done) * passed) / made))} left`;
  }
}
