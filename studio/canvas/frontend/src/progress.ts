// How far a run is, as a browser follows it: the one place that knows what the studio's news mean. The canvas
// (statuses.ts) and the panels beside it (live/) both use it. Python's side is studio/runs/progress.py.

import { never } from "./never";

/** Characters of streamed text that are kept of one node; the end is what people watch. */
const TEXT_LIMIT = 100_000;

const STATES = ["queued", "running", "waiting", "asking", "done", "cached", "skipped", "failed", "cancelled"] as const;
export type State = (typeof STATES)[number];
/** The mark of each state; "" where it is only just beginning. */
export const MARKS: Record<State, string> = {
  done: "✓",
  cached: "✓",
  failed: "✕",
  skipped: "–",
  cancelled: "–",
  running: "",
  waiting: "…",
  asking: "?",
  queued: "",
};
const RUN_WORDS: Record<string, string> = {
  running: "Running",
  finished: "Finished",
  failed: "Failed",
  cancelled: "Stopped",
  waiting: "Waits for an answer",
  elsewhere: "Goes on elsewhere",
  interrupted: "Interrupted",
};

/** The status of a run in words, as studio/screens/runs.py says them. */
export const runWords = (status: string): string =>
  RUN_WORDS[status] ?? (status.startsWith("asking") ? "Running, and asks" : status);

/** One step of an agent. */
export interface Step {
  what: string;
  who?: string;
  tool?: string;
  text?: string;
  tokens?: number;
  seconds?: number;
}

/** Figures of one step of a training: the step, and numbers by their names. */
export type Point = Record<string, number>;
/** Points that are kept of one node, spread over all of them; as in studio/runs/progress.py. */
const POINTS = 500;

/** One node of a run. `seconds` and `since` are wall time; `message` speaks of the state it is in now. */
export interface NodeState {
  status?: State;
  seconds?: number;
  since?: number;
  tokens?: number;
  first_token_s?: number;
  per_second?: number;
  message?: string;
  /** How many times it warned. */
  warned?: number;
  /** How much of what it is at is done, from 0 to 1. */
  share?: number;
  text?: string;
  steps?: Step[];
  points?: Point[];
}

/** The run as a whole. */
export interface RunState {
  id: string;
  status: string;
  started?: number;
  seconds?: number;
  message?: string;
  warnings?: string[];
}

/** The flow's file: its newest revision, and whether the disk has it. */
export interface FileState {
  revision: number;
  saved: boolean;
  conflict: boolean;
  /** How often what is pinned was changed. */
  pins: number;
}

export type News =
  | { is: "reset" }
  | { is: "run"; run: RunState }
  | { is: "file"; file: FileState }
  | { is: "node"; node: string; change: NodeState; piece?: string; step?: Step; measured?: Point[] };

/** What a message of the studio says; it may say several things. What is not understood says nothing. */
export function newsIn(message: unknown): News[] {
  if (typeof message !== "object" || message === null) return [];
  const said = message as Record<string, unknown>;
  const news: News[] = [];
  if (said.reset) news.push({ is: "reset" });
  if (typeof said.run === "object" && said.run) news.push({ is: "run", run: said.run as RunState });
  if (typeof said.revision === "number") {
    news.push({
      is: "file",
      file: {
        revision: said.revision,
        saved: said.saved !== false,
        conflict: !!said.conflict,
        pins: Number(said.pins) || 0,
      },
    });
  }
  if (typeof said.node === "string") news.push(nodeNews(said.node, said));
  return news;
}

function nodeNews(node: string, said: Record<string, unknown>): News {
  const { node: _node, reset: _reset, text, text_all: all, step, steps_all: steps, status, ...more } = said;
  const { points: measured, points_all: points, ...rest } = more;
  const change = rest as NodeState;
  if (STATES.includes(status as State)) change.status = status as State;
  if (typeof all === "string") change.text = all;
  if (Array.isArray(steps)) change.steps = steps as Step[];
  if (Array.isArray(points)) change.points = points as Point[];
  return {
    is: "node",
    node,
    change,
    ...(typeof text === "string" && { piece: text }),
    ...(typeof step === "object" && step && { step: step as Step }),
    ...(Array.isArray(measured) && { measured: measured as Point[] }),
  };
}

export class Progress {
  readonly nodes = new Map<string, NodeState>();
  run: RunState | null = null;
  file: FileState | null = null;

  /** Follow what was said. Returns the nodes that are in another state now. */
  take(news: News): string[] {
    switch (news.is) {
      case "reset": {
        const gone = [...this.nodes.keys()];
        this.nodes.clear();
        this.run = null;
        return gone;
      }
      case "run":
        this.run = news.run;
        return [];
      case "file":
        this.file = news.file;
        return [];
      case "node":
        this.nodes.set(news.node, after(this.nodes.get(news.node), news));
        return [news.node];
      default:
        return never(news);
    }
  }
}

function after(old: NodeState = {}, { change, piece = "", step, measured }: Extract<News, { is: "node" }>): NodeState {
  const text = (change.text ?? old.text ?? "") + (change.text === undefined ? piece : "");
  const steps = change.steps ?? (step ? [...(old.steps ?? []), step] : old.steps);
  const next: NodeState = { ...old, ...change, text: text.slice(-TEXT_LIMIT) };
  if (steps) next.steps = steps;
  if (measured) next.points = thinned([...(next.points ?? []), ...measured]);
  // What was said about one moment (loading …) says nothing about the next.
  if (change.message === undefined) delete next.message;
  if (change.share === undefined) delete next.share;
  return next;
}

/** Of more points than are drawn, every second one; the newest stays. */
function thinned(points: Point[]): Point[] {
  while (points.length > POINTS) points = points.filter((_, at) => at % 2 === 0 || at === points.length - 1);
  return points;
}
