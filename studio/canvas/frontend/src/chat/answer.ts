// One answer of a chat: what is done for it (folded), its text as it streams, what the flow gave, what it asks.

import { duration } from "../duration";
import type { Json } from "../model";
import { type Around, type Question, Refusal, type RunTold, type Source, told } from "./caller";
import { AGAIN, type Heard, type RunEvent, eventsOf } from "./events";
import { made, plural, refusalElement, writeLight } from "./parts";
import { type Give, answered, questionElement } from "./question";
import { Sources } from "./sources";
import { Steps } from "./steps";
import { documentsIn, isDocuments, textElement, valueElement } from "./value";

/** How a run stands for those who watch it. */
export type State = "running" | "waiting" | "elsewhere" | "finished" | "failed" | "cancelled" | "broken";

/** What an answer has somebody else do. */
export interface Owner {
  /** Send an answer to a question of a run. */
  give: (run: string, answer: Record<string, unknown>) => Promise<void>;
  /** Something was drawn below. */
  grown: () => void;
  /** The conversation that a run is a turn of. */
  began: (thread: string) => void;
}

export class Answer {
  readonly root = made("article", { class: "answer" });
  readonly acts = made("footer", { class: "row acts" });
  state: State = "running";
  run = "";
  private readonly steps = new Steps();
  private text: HTMLElement = made("div", { class: "text", text: "…" });
  private readonly more = made("div", { class: "more" });
  private readonly asks = new Map<string, HTMLElement>();
  private said = "";
  private working = "";
  private frame = 0;
  private readonly gone = new AbortController();

  constructor(
    private readonly around: Around,
    private readonly owner: Owner,
  ) {
    this.root.append(this.steps.root, this.text, this.more, this.acts);
    this.root.setAttribute("aria-busy", "true");
  }

  /** Nobody looks any more. */
  leave(): void {
    this.gone.abort();
    cancelAnimationFrame(this.frame);
  }

  // --- as it comes --------------------------------------------------------------------------------

  /** Follow a run to its end, or until it waits for a person. */
  async follow(run: string, first: Response | null): Promise<State> {
    this.run = run;
    this.state = "running";
    this.begin();
    try {
      for await (const event of eventsOf(this.around, run, first, this.gone.signal)) this.take(event);
    } catch (error) {
      this.fail(error);
      this.state = "broken";
    }
    this.rest();
    return this.state;
  }

  private begin(): void {
    this.said = this.working = "";
    this.root.setAttribute("aria-busy", "true");
  }

  private rest(): void {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    if (this.state !== "finished") this.draw();
    this.root.setAttribute("aria-busy", "false");
    this.owner.grown();
  }

  private take(event: Heard): void {
    if (event.type === AGAIN.type) {
      this.begin();
      this.steps.clear();
      this.forget();
      return;
    }
    switch (event.type) {
      case "run_started":
        this.steps.know((event.titles ?? {}) as Record<string, string>);
        if (event.thread) this.owner.began(String(event.thread));
        return;
      case "node_streamed":
        if (event.output) this.said += String(event.piece);
        return this.soon();
      case "node_asked":
        this.steps.take(event);
        return this.ask([
          { ...(event.asks as Question), question: String(event.question), until: event.until as number },
        ]);
      case "node_answered":
        return this.hear(String(event.question), event.author ? `${String(event.author)} answered.` : undefined);
      case "run_finished":
        return this.finish(event.outputs as Record<string, Json>, factsOf(event), event.sources as Source[]);
      case "run_failed":
        this.state = "failed";
        this.facts(factsOf(event));
        return this.fail(new Refusal([event.problem as never]));
      case "run_cancelled":
        this.state = "cancelled";
        return this.stopped(factsOf(event));
      case "run_waiting":
        this.state = "waiting";
        return;
      default:
        if (event.type === "node_retrying" && this.said) this.said = "";
        this.working = this.steps.take(event) || this.working;
        this.soon();
    }
  }

  /** Draw the text in the next frame: two hundred tokens a second are not two hundred drawings. */
  private soon(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
      this.owner.grown();
    });
  }

  private draw(): void {
    if (this.said) writeLight(this.text, this.said);
    else if (this.state === "running") this.text.textContent = this.working ? `${this.working}…` : "…";
    else if (this.asks.size || this.state !== "waiting") this.text.replaceChildren();
  }

  // --- as it is -----------------------------------------------------------------------------------

  /** Draw a run that is not followed: it is over, or waits. */
  show(now: RunTold): void {
    this.run = now.run;
    this.forget();
    this.more.replaceChildren();
    this.steps.clear();
    this.steps.past(now.done ?? []);
    for (const warning of now.warnings ?? []) this.steps.warn(warning);
    this.said = now.said ?? "";
    this.state = now.status as State;
    if (now.status === "finished") this.finish(now.outputs ?? {}, now.facts, now.sources);
    else if (now.status === "failed") (this.facts(now.facts), this.fail(new Refusal(now.error ? [now.error] : [])));
    else if (now.status === "waiting") this.ask(now.questions ?? []);
    else if (now.status === "elsewhere") this.note("It was answered elsewhere and goes on in another process.");
    else this.stopped(now.facts);
    this.rest();
  }

  /** Draw an answer of which only the words are kept. */
  keep(run: string, answer: string, damaged = false): void {
    this.run = run;
    this.state = "finished";
    this.forget();
    this.more.replaceChildren();
    if (damaged) this.put(made("p", { class: "soft text", text: "This turn is damaged and cannot be read." }));
    else this.put(textElement(this.around, answer));
    this.root.setAttribute("aria-busy", "false");
  }

  private finish(outputs: Record<string, Json>, facts: string[] = [], sources: Source[] = []): void {
    this.state = "finished";
    const values = Object.entries(outputs ?? {});
    const documents = values.filter(([, value]) => isDocuments(value));
    const cards = documents.length ? documents.flatMap(([, value]) => documentsIn(value)) : sources;
    const list = cards.length ? new Sources(cards) : null;
    const texts = values.filter(([, value]) => typeof value === "string") as [string, string][];
    const words = texts.map(([name, text]) => (texts.length > 1 ? `**${name}**\n\n${text}` : text)).join("\n\n");
    this.put(textElement(this.around, words, list));
    const others = values.filter(([, value]) => typeof value !== "string" && !isDocuments(value));
    for (const [name, value] of others) {
      if (others.length + texts.length > 1) this.more.append(made("b", { text: name }));
      this.more.append(valueElement(this.around, value, name, this.run));
    }
    if (!values.length) this.note("It has finished without an answer: that branch was not taken.");
    if (list) this.more.append(list.root);
    this.facts(facts);
  }

  private put(text: HTMLElement): void {
    this.text.replaceWith(text);
    this.text = text;
  }

  private stopped(facts?: string[]): void {
    this.forget();
    this.note("Stopped.");
    this.facts(facts);
  }

  fail(error: unknown): void {
    this.forget();
    if (!this.said) this.text.replaceChildren();
    this.more.append(refusalElement(this.around, error));
  }

  private note(text: string): void {
    this.more.append(made("p", { class: "soft", text }));
  }

  private facts(facts: string[] = []): void {
    if (facts.length) this.more.append(made("p", { class: "soft facts", text: facts.join(" · ") }));
  }

  // --- questions ----------------------------------------------------------------------------------

  /** The ids of the questions that are open here. */
  get open(): string[] {
    return [...this.asks.keys()];
  }

  /** Draw the questions that are not there yet, and what they are about. */
  ask(questions: Question[]): void {
    const give: Give = (answer) => this.owner.give(this.run, answer);
    let first: HTMLElement | null = null;
    for (const one of questions) {
      if (this.asks.has(one.question)) continue;
      const element = questionElement(one, give, () => this.drawing(one));
      this.asks.set(one.question, element);
      this.more.append(element);
      first ??= element;
    }
    this.draw();
    if (first?.isConnected && this.around.key) first.querySelector<HTMLElement>("button, input")?.focus();
    this.owner.grown();
  }

  private drawing(asked: Question): HTMLElement | null {
    return asked.value === null ? null : valueElement(this.around, asked.value, asked.title);
  }

  /** A question is answered. */
  hear(question: string, words?: string): void {
    const element = this.asks.get(question);
    if (element) answered(element, words);
    this.asks.delete(question);
  }

  /** Whatever was asked is not asked any more. */
  private forget(): void {
    for (const element of this.asks.values()) element.remove();
    this.asks.clear();
  }

  /** What the server says that the run waits for. */
  async look(): Promise<RunTold> {
    return told<RunTold>(this.around, `/runs/${this.run}`);
  }
}

function factsOf(event: RunEvent): string[] {
  if (Array.isArray(event.facts)) return event.facts.map(String);
  const { prompt = 0, completion = 0 } = (event.tokens ?? {}) as { prompt?: number; completion?: number };
  const tokens = prompt + completion;
  return [duration(Number(event.seconds) || 0), ...(tokens ? [plural(tokens, "token")] : [])];
}
