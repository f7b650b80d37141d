// The events of a run as they come. A line that breaks is taken up where it broke, where the server numbers its
// events; else it tells everything again, and whoever reads is told so.

import { type Around, refusalOf } from "./caller";

/** One for each class of flows/runs/events.py: `tests/test_exhaustive.py` compares them, and steps.ts handles each. */
export type EventType =
  | "run_started"
  | "run_warned"
  | "run_finished"
  | "run_failed"
  | "run_cancelled"
  | "run_waiting"
  | "node_started"
  | "node_streamed"
  | "node_progress"
  | "node_warned"
  | "node_waiting"
  | "node_stepped"
  | "node_asked"
  | "node_answered"
  | "node_retrying"
  | "node_finished"
  | "node_skipped"
  | "node_failed"
  | "node_stopped";

export interface RunEvent {
  type: EventType;
  [name: string]: unknown;
}
/** In the place of an event where all of them are told again. */
export const AGAIN = { type: "from_the_start" } as const;
export type Heard = RunEvent | typeof AGAIN;
const ENDS = /^run_(finished|failed|cancelled|waiting)$/;
const TRIES = 6;

/** Blocks of server-sent events, taken apart as they come. */
export class Blocks {
  last = "";
  private held = "";

  *take(piece: string): Generator<RunEvent> {
    this.held += piece;
    const blocks = this.held.split("\n\n");
    this.held = blocks.pop() ?? "";
    for (const block of blocks) {
      const lines = block.split("\n");
      const data = lines.filter((line) => line.startsWith("data: ")).map((line) => line.slice(6));
      this.last = lines.find((line) => line.startsWith("id: "))?.slice(4) || this.last;
      if (data.length) yield JSON.parse(data.join("\n")) as RunEvent;
    }
  }

  /** The line has broken: what came of a block is gone. */
  drop(): void {
    this.held = "";
  }
}

export async function* eventsOf(
  around: Around,
  run: string,
  first: Response | null,
  gone: AbortSignal,
): AsyncGenerator<Heard> {
  const blocks = new Blocks();
  let answer = first;
  for (let tries = 0; tries < TRIES; tries++) {
    try {
      answer ??= await again(around, run, blocks.last, gone);
      const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
      gone.addEventListener("abort", () => void reader.cancel().catch(() => {}), { once: true });
      for (;;) {
        const { value, done } = await reader.read();
        if (gone.aborted) return;
        if (done) break;
        for (const event of blocks.take(value)) {
          tries = 0;
          yield event;
          if (ENDS.test(event.type)) return;
        }
      }
    } catch (error) {
      if (gone.aborted) return;
      if (error instanceof Error && error.name === "Refusal") throw error;
    }
    blocks.drop();
    answer = null;
    await new Promise((go) => setTimeout(go, 300 * 2 ** tries));
    if (gone.aborted) return;
    if (!blocks.last) yield AGAIN;
  }
  throw new Error("The connection broke. Reload the page to see how it went on.");
}

async function again(around: Around, run: string, last: string, gone: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = last ? { "Last-Event-ID": last } : {};
  const answer = await around.ask(`/runs/${run}/events`, { headers, signal: gone });
  if (!answer.ok) throw Object.assign(await refusalOf(answer), { name: "Refusal" });
  return answer;
}
