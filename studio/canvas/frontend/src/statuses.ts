// How far each node is in a run. Kept apart from the flow: a token must not redraw the canvas.

import { NodeState, Progress, RunState, State, newsIn } from "./progress";
import { Emitter } from "./store";

/** Whether a node with this status took and gave values that can be looked at. */
export const hasRun = (status: State | undefined): boolean =>
  status === "done" || status === "cached" || status === "failed";

export class Statuses {
  readonly progress = new Progress();
  /** Something was said of the run: for what shows all of it. */
  readonly heard = new Emitter();
  private listeners = new Map<string, Set<() => void>>();
  private source: EventSource | null = null;
  private url = "";
  onRevision: (revision: number) => void = () => {};
  onConflict: (conflict: boolean) => void = () => {};
  onPins: (turn: number) => void = () => {};
  /** The run as a whole stands otherwise. */
  readonly onRun = new Emitter();

  get run(): RunState | null {
    return this.progress.run;
  }

  get = (id: string): NodeState | undefined => this.progress.nodes.get(id);

  subscribe(id: string, listener: () => void): () => void {
    let set = this.listeners.get(id);
    if (!set) this.listeners.set(id, (set = new Set()));
    set.add(listener);
    return () => set.delete(listener);
  }

  /** The states as a page without an event route gives them: all at once. */
  replace(all: Record<string, NodeState>): void {
    const { nodes } = this.progress;
    const before = [...nodes.keys()];
    nodes.clear();
    for (const [id, state] of Object.entries(all)) nodes.set(id, state);
    this.tell(new Set([...before, ...nodes.keys()]));
  }

  listen(url: string): void {
    if (url === this.url) return;
    this.source?.close();
    this.url = url;
    this.source = url ? new EventSource(url) : null;
    if (this.source) this.source.onmessage = (event) => this.take(String(event.data));
  }

  take(text: string): void {
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch {
      return;
    }
    for (const news of newsIn(message)) {
      this.tell(this.progress.take(news));
      if (news.is === "run") this.onRun.emit();
      if (news.is !== "file") continue;
      this.onRevision(news.file.revision);
      this.onConflict(news.file.conflict);
      this.onPins(news.file.pins);
    }
    this.heard.emit();
  }

  private tell(ids: Iterable<string>): void {
    for (const id of ids) this.listeners.get(id)?.forEach((listener) => listener());
  }
}

const statuses = new Map<string, Statuses>();

export function statusesOf(id: string): Statuses {
  let found = statuses.get(id);
  if (!found) statuses.set(id, (found = new Statuses()));
  return found;
}

/** A page shows one flow: the others need not hear of their runs. */
export function onlyListener(shown: Statuses): void {
  for (const other of statuses.values()) if (other !== shown) other.listen("");
}
