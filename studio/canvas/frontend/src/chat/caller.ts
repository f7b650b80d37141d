// Whom the chat talks to: `patchbay serve`, or the studio. Both answer at the same addresses in the same shapes
// (flows/server/http/addresses.py, studio/chat/routes.py); the studio tells more, and `can` says what of it there is.

import type { Schema } from "../asked";
import type { Json } from "../model";
import type { Part } from "../live/words";
import type { Step } from "../progress";

/** What is around the chat. */
export interface Around {
  /** The flow, as addresses name it. */
  flow: string;
  /** Ask for what is at an address of the server. */
  ask: (path: string, init?: RequestInit) => Promise<Response>;
  /** Something that outlives a reload of the page, by name; with a value it is kept. */
  keep: (name: string, value?: string) => string;
  /** When everything that was edited before is known to the server. */
  settled?: () => Promise<void>;
  /** Hears that a message was refused. */
  refused?: () => void;
  /** Go to a node of the flow. */
  show?: (node: string) => void;
  /** What a node is called; undefined where it is gone. */
  titleOf?: (node: string) => string | undefined;
  /** The words of a message with the titles of nodes in place of their ids. */
  spoken?: (message: string) => string;
  /** Draw a value of a shape better than the chat itself can; null where it is well drawn. `name` is what the flow
   * calls it in the run of this id. */
  draw?: (shape: string, value: Json, name: string, run: string) => HTMLElement | null;
  /** Get a key from a person, for a server that wants one. */
  key?: (message: string) => Promise<void>;
}

export interface InputTold {
  name: string;
  kind: string;
  required: boolean;
  description: string;
  choices?: string[];
  default?: Json;
}
export type Ability = "threads" | "again" | "shared";
export interface FlowTold {
  title: string;
  description: string;
  inputs: InputTold[];
  talk: { input: string; kind: string; description: string } | null;
  can?: Ability[];
}

export interface Problem {
  message: string;
  fix?: string;
  node?: string | null;
  param?: string | null;
  port?: string | null;
}
export interface Wants {
  kind: "approval" | "choice" | "edit" | "form" | "decision";
  options?: string[];
  of?: "text" | "json" | "table";
  schema?: Schema;
  tool?: string;
  arguments?: Json;
}
export interface Question {
  question: string;
  title: string;
  whom?: string;
  value: Json;
  wants: Wants;
  until?: number | null;
  /** Why it cannot be read. */
  wrong?: string;
}
/** A thumb: 1, -1, or 0 for none. */
export interface Thumb {
  rating: number;
  comment: string;
}
/** A document of a flow, in its stored form. */
export interface Source {
  text?: string;
  score?: number | null;
  metadata?: Record<string, Json>;
}
/** A node of a run that did something worth telling. */
export interface Done {
  node: string;
  title: string;
  steps: Step[];
}
/** A run, as it stands. */
export interface RunTold {
  run: string;
  status: string;
  asked?: string;
  said?: string;
  outputs?: Record<string, Json>;
  error?: Problem;
  facts?: string[];
  done?: Done[];
  sources?: Source[];
  warnings?: string[];
  questions?: Question[];
}
export interface Turn {
  number: number;
  asked: string;
  answer: string;
  run: string;
  damaged?: boolean;
  thumb?: Thumb;
  /** More of the run, where the server still has it. */
  told?: RunTold;
}
export interface ThreadTold {
  id: string;
  title: string;
  turns: Turn[];
  /** The run that is at work in it, or that ended in it without an answer. */
  now?: RunTold | null;
}
export interface ThreadLine {
  id: string;
  title: string;
  turns?: number;
}

export const JSON_BODY = { "Content-Type": "application/json" };

/** What a server answered, in words: `error` as all our addresses give it. */
export class Refusal extends Error {
  constructor(
    readonly problems: Problem[],
    readonly status = 0,
  ) {
    super(problems.map((one) => [one.message, one.fix].filter(Boolean).join(" ")).join(" "));
  }
}

export async function refusalOf(answer: Response): Promise<Refusal> {
  const said = (await answer.json().catch(() => null)) as { error?: Problem; also?: Problem[] } | null;
  const problems = said?.error ? [said.error, ...(said.also ?? [])] : [{ message: NOTHING }];
  return new Refusal(problems, answer.status);
}
const NOTHING = "The server gave no answer that can be read. Reload the page.";

/** What is at an address, as JSON. Throws a `Refusal`. */
export async function told<T>(around: Around, path: string, init?: RequestInit): Promise<T> {
  const answer = await around.ask(path, init).catch(() => null);
  if (!answer) throw new Refusal([{ message: "The server cannot be reached.", fix: "Try again." }]);
  if (!answer.ok) throw await refusalOf(answer);
  return (await answer.json()) as T;
}

export const sent = (method: string, body: unknown): RequestInit => ({
  method,
  headers: JSON_BODY,
  body: JSON.stringify(body),
});

/** What Markdown makes of texts; null where nobody could say. */
export async function wordsOf(around: Around, texts: string[]): Promise<Part[][] | null> {
  if (!texts.length) return [];
  const found = told<{ words: Part[][] }>(around, "/words", sent("POST", { texts }));
  return found.then(
    ({ words }) => words,
    () => null,
  );
}
