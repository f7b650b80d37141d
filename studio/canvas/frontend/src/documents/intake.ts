// Sending documents to the studio, one after the other: how far it is, what it asks, what it refused.

import { Emitter } from "../store";
import type { Brought } from "./dropped";

/** `Received` in studio/documents/received.py. */
export interface Received {
  state: "new" | "same" | "there" | "replaced" | "kept" | "flow";
  path: string;
  kind: string;
}
/** What becomes of a file whose name is taken. `leave`: it is not sent. */
export type WhenThere = "replace" | "keep" | "leave";
export interface Refusal {
  name: string;
  message: string;
  fix: string;
}
type Answer = { done: Received } | { refused: Refusal };
/** Sends one file; `sent` hears how many bytes have gone. */
export type Send = (
  one: Brought,
  whenThere: "ask" | "replace" | "keep",
  sent: (bytes: number) => void,
  stop: AbortSignal,
) => Promise<Answer>;

export interface Progress {
  name: string;
  number: number;
  of: number;
  bytes: number;
  whole: number;
  /** Bytes a second, and seconds; once they can be said. */
  rate: number | null;
  left: number | null;
}

export class Intake extends Emitter {
  progress: Progress | null = null;
  /** The file whose name is taken, while the person is asked. */
  asks: string | null = null;
  refused: Refusal[] = [];
  private answer: ((way: WhenThere, all: boolean) => void) | null = null;
  private stopper = new AbortController();

  constructor(
    private readonly send: Send,
    private readonly now: () => number = () => performance.now() / 1000,
  ) {
    super();
  }

  get busy(): boolean {
    return this.progress !== null;
  }

  /** Send them all; gives what lies in the flow's folder afterwards. A second call waits for nobody: it is refused. */
  async take(files: Brought[]): Promise<Received[]> {
    if (this.busy) return [];
    this.stopper = new AbortController();
    this.refused = [];
    const whole = files.reduce((sum, one) => sum + one.file.size, 0);
    const since = this.now();
    const got: Received[] = [];
    let before = 0;
    let always: WhenThere | null = null;
    try {
      for (const [index, one] of files.entries()) {
        const tell = (sent: number) => {
          const bytes = before + sent;
          const spent = this.now() - since;
          const rate = spent > 0.5 && bytes > 0 ? bytes / spent : null;
          const left = rate && (whole - bytes) / rate;
          this.progress = { name: one.name, number: index + 1, of: files.length, bytes, whole, rate, left };
          this.emit();
        };
        tell(0);
        let answer = await this.send(one, "ask", tell, this.stopper.signal);
        if ("done" in answer && answer.done.state === "there") {
          let way: WhenThere | null = always;
          if (!way) {
            const [chosen, all] = await this.question(one.name);
            way = chosen;
            if (all) always = chosen;
          }
          if (way === "leave") answer = { done: { ...answer.done, state: "same" } };
          else answer = await this.send(one, way, tell, this.stopper.signal);
        }
        if (this.stopper.signal.aborted) break;
        if ("done" in answer) got.push(answer.done);
        else this.refused.push(answer.refused);
        before += one.file.size;
      }
    } finally {
      this.progress = this.asks = this.answer = null;
      this.emit();
    }
    return got;
  }

  /** What the person said of the file that was asked about, and whether it holds for the others. */
  decide(way: WhenThere, all: boolean): void {
    this.answer?.(way, all);
  }

  /** Send no more. What has arrived stays. */
  stop(): void {
    this.stopper.abort();
    this.answer?.("leave", true);
  }

  /** Put what was refused away. */
  forget(): void {
    this.refused = [];
    this.emit();
  }

  private question(name: string): Promise<[WhenThere, boolean]> {
    return new Promise((done) => {
      this.answer = (way, all) => {
        this.asks = this.answer = null;
        this.emit();
        done([way, all]);
      };
      this.asks = name;
      this.emit();
    });
  }
}

/** Sends to the studio. `fetch` does not tell how much has gone, so that the older way is taken. */
export function sendTo(address: () => string): Send {
  return (one, whenThere, sent, stop) =>
    new Promise((done) => {
      const request = new XMLHttpRequest();
      const more = new URLSearchParams({ name: one.name, when_there: whenThere });
      const fail = (message: string, fix: string) => done({ refused: { name: one.name, message, fix } });
      request.open("POST", `${address()}&${more}`);
      request.upload.onprogress = (event) => sent(event.loaded);
      request.onerror = () => fail(`${one.name} did not arrive.`, "The studio does not answer. Drop it again.");
      request.onabort = () => fail(`${one.name} was not sent.`, "");
      request.onload = () => {
        try {
          const said = JSON.parse(request.responseText);
          if (request.status === 200) done({ done: said as Received });
          else fail(String(said.message), String(said.fix));
        } catch {
          fail(`${one.name} did not arrive.`, "Reload the page, and drop it again.");
        }
      };
      stop.addEventListener("abort", () => request.abort());
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.send(one.file);
    });
}
