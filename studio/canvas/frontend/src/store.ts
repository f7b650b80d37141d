// The browser's side of one open flow: what the server confirmed, what it has not yet, and both together.
// Lives at module level, so it survives remounts of the component. See docs/canvas.md.

import { apply } from "./apply";
import { type Foreseen, foreseenInputs, valueIn } from "./foreseen";
import { Flow, Json, Kind, Op, Port, Problem, View, whole } from "./model";
import type { Part } from "./live/words";
import { NO_PINS, type Pins, followed } from "./pins";
import { NodeState } from "./progress";
import type { Moment } from "./timeline";

/** A text and the parts that Markdown makes of it. */
export interface Written {
  text: string;
  parts: Part[];
}
export interface Data {
  doc: string;
  rev: number;
  ack: number;
  base?: number;
  ops?: { r: number; s?: number; o?: Op }[];
  snap?: Partial<Flow>;
  undo: [number, number];
  rejected?: { seq: number; message: string }[];
  views?: Record<string, View>;
  words?: Record<string, Written>;
  problems?: Record<string, Problem[]>;
  all_problems?: boolean;
  catalog?: Kind[];
  catalog_digest?: string;
  conflict?: string;
  status?: Record<string, NodeState>;
  setup?: Setup;
  /** Of a past run: what happened when. */
  timeline?: Moment[];
}
/** What seldom changes: Python sends it until it is told the digest of what is here. */
export interface Setup {
  digest: string;
  client: string;
  events?: string;
  readonly?: boolean;
  height?: string;
  reveal?: [string, number];
  dock?: DockData;
  pins?: Pins;
}
/** `Dock` of studio/canvas/component.py. */
export interface DockData {
  panels: string[];
  front: [panel: string, times: number];
  notice: [words: string, times: number];
}
interface Pending {
  seq: number;
  at: number;
  op?: Op;
  cmd?: { name: string; arg: string };
  merge?: string;
}
export interface Payload {
  doc: string;
  client: string;
  rev: number | null;
  catalog: string;
  setup: string;
  ops: Pending[];
  n: number;
}
type Send = (payload: Payload) => void;

const QUIET_MS = 120;
const WAIT_MS = 2000;
/** How long inputs may be foreseen of a text that never came to Python, in ms. */
const FORESEEN_MS = 3000;

export class Emitter {
  private listeners = new Set<() => void>();
  version = 0;
  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  emit(): void {
    this.version++;
    this.listeners.forEach((listener) => listener());
  }
}

/** The catalog, shared by all documents. */
export const catalog = {
  digest: "",
  kinds: [] as Kind[],
  byKind: new Map<string, Kind>(),
  changed: new Emitter(),
};

export function learnCatalog(data: Data): void {
  if (!data.catalog || !data.catalog_digest || data.catalog_digest === catalog.digest) return;
  catalog.digest = data.catalog_digest;
  catalog.kinds = data.catalog;
  catalog.byKind = new Map(data.catalog.map((kind) => [kind.kind, kind]));
  catalog.changed.emit();
}

export class Doc {
  flow: Flow = whole({});
  views: Record<string, View> = {};
  /** The texts of notes as Python parsed them. What was typed since is shown as it stands until it is parsed too. */
  words: Record<string, Written> = {};
  problems: Record<string, Problem[]> = {};
  /** Inputs that a text which is being typed will give its node, by node. */
  readonly foreseen = new Map<string, Foreseen>();
  undo: [number, number] = [0, 0];
  conflict = "";
  ready = false;
  readonly = false;
  /** The address of one of Python's routes for this flow; "" where the page offers none. */
  at: (name: string) => string = () => "";
  /** Somebody has tried to run it as it is: what is missing is a fault from then on. */
  tried = false;
  pins: Pins = NO_PINS;
  readonly pinned = new Emitter();
  readonly changed = new Emitter();
  readonly toasts = new Emitter();
  toast: { text: string; n: number } | null = null;
  /** What the page gave with the flow, as it was told last. */
  setup: Setup = { digest: "", client: "" };
  private rev: number | null = null;
  private base: Flow = whole({});
  private pending: Pending[] = [];
  private seq = 0;
  private told = 0;
  /** The newest revision that anybody spoke of: news that came while a message was under way. */
  private heard = 0;
  private sent = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private wait = WAIT_MS;
  private inFlight = false;
  private count = 0;
  /** Views and badges as they were at a revision: what Python's differences start from. */
  private marks = new Map<number, { views: Record<string, View>; problems: Record<string, Problem[]> }>();
  send: Send = () => {};
  /** When what a run needs beside the flow is on its way, when it is there. */
  holds: () => Promise<void> | undefined = () => undefined;
  /** Hears whether an answer to an edit is waited for. */
  waits: (now: boolean) => void = () => {};

  constructor(readonly id: string) {}

  /** The revision that the server has confirmed; -1 before it said anything. */
  get revision(): number {
    return this.rev ?? -1;
  }

  /** How many problems the flow has; an empty one is not told of any. */
  get faults(): number {
    return this.flow.nodes.length ? Object.values(this.problems).flat().length : 0;
  }

  /** Make an edit: at once here, soon on the server. */
  dispatch(op: Op, merge?: string): boolean {
    if (this.readonly) return false;
    try {
      this.flow = apply(this.flow, op);
    } catch (error) {
      this.say(error instanceof Error ? error.message : String(error));
      return false;
    }
    if (op.op === "set_params")
      for (const [name, value] of Object.entries(op.params ?? {})) this.foreseeValue(op.node, name, value);
    this.queue({ seq: ++this.seq, at: this.rev ?? 0, op, ...(merge && { merge }) });
    // Streamlit sends in a timer of its own, so Python would wait for the drawing. What was moved lies on the
    // canvas already: that drawing can wait. Others cannot, or the next key would go astray.
    if (op.op === "move") setTimeout(() => this.changed.emit());
    else this.changed.emit();
    return true;
  }

  /** A text is being typed into a param: the inputs that it will give its node are drawn at once. */
  foresee(node: string, param: string, text: string): void {
    if (this.foreseeValue(node, param, text)) this.changed.emit();
  }

  /** Whether other inputs are to be drawn now. */
  private foreseeValue(id: string, param: string, value: Json): boolean {
    const kind = catalog.byKind.get(this.flow.nodes.find((node) => node.id === id)?.kind ?? "");
    if (kind?.filled?.param !== param) return false;
    const known = this.views[id]?.inputs ?? kind.inputs;
    const inputs = foreseenInputs(kind, known, value);
    const names = (ports: Port[]) => ports.map((port) => port.name).join(" ");
    const before = names(this.foreseen.get(id)?.inputs ?? known);
    if (inputs) this.foreseen.set(id, { text: JSON.stringify(value), inputs, at: performance.now() });
    else this.foreseen.delete(id);
    return names(inputs ?? known) !== before;
  }

  /** What Python has told by now, or was never told, is not foreseen any more. */
  private forget(): void {
    for (const [id, { text, at }] of this.foreseen) {
      const node = this.base.nodes.find((one) => one.id === id);
      const kind = catalog.byKind.get(node?.kind ?? "");
      const told = kind && JSON.stringify(valueIn(node, kind)) === text;
      const late = !this.pending.length && performance.now() - at > FORESEEN_MS;
      if (!node || told || late) this.foreseen.delete(id);
    }
  }

  /** Ask Python for something that is no edit; it comes after the edits made before. */
  command(name: string, arg = ""): void {
    const runs = name.startsWith("run") || name.startsWith("rerun");
    if (runs) this.try();
    const held = runs ? this.holds() : undefined;
    if (held) return void held.then(() => this.ask(name, arg));
    this.ask(name, arg);
  }

  private ask(name: string, arg: string): void {
    this.queue({ seq: ++this.seq, at: this.rev ?? 0, cmd: { name, arg } });
  }

  /** Whether Python may not have all edits yet. */
  get unconfirmed(): boolean {
    return this.pending.length > 0;
  }

  /** When the server has all edits made so far, or does not answer for a while. */
  async settled(): Promise<void> {
    for (let turn = 0; this.pending.length && turn < 60; turn++) await new Promise((done) => setTimeout(done, 50));
  }

  /** From now on what is missing is a fault. */
  try(): void {
    if (this.tried) return;
    this.tried = true;
    this.changed.emit();
  }

  say(text: string): void {
    this.toast = { text, n: (this.toast?.n ?? 0) + 1 };
    this.toasts.emit();
  }

  private queue(item: Pending): void {
    this.pending.push(item);
    if (!this.inFlight) this.flush();
    else if (performance.now() - this.sent > QUIET_MS) this.flush();
    else this.later(QUIET_MS);
  }

  /** Everything unacknowledged, every time: a lost or merged message does no harm. */
  private flush(): void {
    this.sent = performance.now();
    this.inFlight = this.pending.length > 0;
    if (this.inFlight) this.waits(true);
    this.send({
      doc: this.id,
      client: this.setup.client,
      rev: this.rev,
      catalog: catalog.digest,
      setup: this.setup.digest,
      ops: this.pending,
      n: ++this.count,
    });
    if (this.owing()) {
      this.later(this.wait);
      this.wait = Math.min(this.wait * 2, 30_000);
    }
  }

  private later(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.owing() && this.flush(), ms);
  }

  /** Whether something is still to be said or heard: then a lost message is sent again. */
  private owing(): boolean {
    return this.pending.length > 0 || this.rev === null || this.rev < this.heard;
  }

  /** Somebody says that the document is at this revision. */
  hear(revision: number): void {
    this.heard = Math.max(this.heard, revision);
    if (this.rev !== null && revision > this.rev && !this.inFlight) this.flush();
  }

  /** Somebody says how often pins were changed. */
  hearPins(turn: number): void {
    if (this.ready && turn !== this.pins.turn && !this.inFlight) this.flush();
  }

  /** What is pinned now. */
  hold(told?: Pins): void {
    const before = this.pins;
    this.pins = followed(before, told);
    if (this.pins !== before) this.pinned.emit();
  }

  hearConflict(conflict: boolean): void {
    if (this.ready && conflict !== !!this.conflict && !this.inFlight) this.flush();
  }

  /** Take what Python sent. */
  update(data: Data): void {
    const large = data.snap !== undefined || data.catalog !== undefined;
    if (this.setup.client && data.setup && this.setup.client !== data.setup.client) this.rev = null;
    if (data.setup) this.setup = data.setup;
    this.seq = Math.max(this.seq, data.ack);
    this.readonly = !!this.setup.readonly;
    if (!this.follow(data)) {
      this.rev = null;
      this.flush();
      return;
    }
    this.pending = this.pending.filter((item) => item.seq > data.ack);
    if (!this.pending.length) {
      clearTimeout(this.timer);
      this.inFlight = false;
      this.wait = WAIT_MS;
      this.waits(false);
    }
    this.forget();
    this.flow = this.base;
    for (const item of this.pending) {
      try {
        if (item.op) this.flow = apply(this.flow, item.op);
      } catch {
        // The server will reject it too, and say why.
      }
    }
    this.undo = data.undo;
    this.conflict = data.conflict ?? "";
    for (const { seq, message } of data.rejected ?? []) {
      if (seq > this.told) {
        this.told = seq;
        this.say(message);
      }
    }
    this.ready = true;
    this.hold(this.setup.pins);
    this.changed.emit();
    // Confirm what was large, so that it is not sent again with every rerun.
    const behind = !this.pending.length && data.rev < this.heard;
    if (large || behind || (data.ops?.length ?? 0) > 20) this.flush();
  }

  private follow(data: Data): boolean {
    if (data.snap) {
      if (this.rev === null || data.rev >= this.rev) {
        this.base = whole(data.snap);
        this.rev = data.rev;
        this.views = data.views ?? {};
        this.words = data.words ?? {};
        this.problems = data.problems ?? {};
        this.mark();
      }
      return true;
    }
    if (this.rev === null || data.base === undefined || data.base > this.rev) return false;
    if (data.rev < this.rev) return true; // an older message that came late
    const start = this.marks.get(data.base);
    if (!start) return false;
    for (const entry of data.ops ?? []) {
      if (entry.r <= this.rev) continue;
      const op = entry.o ?? this.pending.find((item) => item.seq === entry.s)?.op;
      if (!op) return false;
      try {
        this.base = apply(this.base, op);
      } catch {
        return false;
      }
    }
    this.rev = data.rev;
    this.views = { ...start.views, ...data.views };
    this.words = { ...this.words, ...data.words };
    const problems = data.all_problems ? { ...data.problems } : { ...start.problems, ...data.problems };
    for (const [id, items] of Object.entries(problems)) if (!items.length) delete problems[id];
    this.problems = problems;
    this.mark();
    return true;
  }

  private mark(): void {
    this.marks.set(this.rev ?? 0, { views: this.views, problems: this.problems });
    if (this.marks.size > 80) this.marks.delete(this.marks.keys().next().value as number);
  }
}

const docs = new Map<string, Doc>();

export function docOf(id: string): Doc {
  let doc = docs.get(id);
  if (!doc) docs.set(id, (doc = new Doc(id)));
  return doc;
}
