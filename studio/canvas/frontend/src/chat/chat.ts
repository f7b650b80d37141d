// A conversation with a flow: the page of `patchbay serve`, and the studio's dock. No library, so that the page stays
// small; whoever shows it says in `Around` whom to ask and what else there is.

import { Answer, type Owner, type State } from "./answer";
import { Box } from "./box";
import {
  type Ability,
  type Around,
  type FlowTold,
  Refusal,
  type RunTold,
  type ThreadTold,
  type Turn,
  refusalOf,
  sent,
  told,
} from "./caller";
import { Conversations } from "./conversations";
import { button, made, plural, refusalElement, sign } from "./parts";
import { thumbsElement } from "./rating";

/** Turns of a conversation that are shown at first. */
const SHOWN = 20;
/** Characters of the first message that name a conversation, as Python names it (flows/runs/threads.py). */
const TITLE = 60;
/** Milliseconds between looks at a run that waits: somebody may answer it elsewhere. */
const LOOK_MS = 2500;
const REMEMBERS = "The flow sees the whole conversation.";
const FORGETS = "The flow sees each message alone, not those before it.";
const HOW = " For a conversation, set the kind of its Flow input to messages.";

/** A turn as it is drawn. */
interface Drawn {
  mine: HTMLElement;
  answer: Answer;
  thumbs?: HTMLElement;
}

export class Chat {
  readonly root = made("section", { class: "pb-chat", label: "Chat" });
  private readonly head = made("header", { class: "head" });
  private readonly talk = made("div", { class: "talk", tabIndex: 0, label: "Conversation" });
  private readonly top = made("div", { class: "above" });
  private readonly turns = made("div", { class: "turns" });
  private readonly refused = made("div", { class: "refused" });
  private readonly box: Box;
  private readonly bar: Conversations;
  private readonly drawn = new Map<string, Drawn>();
  private flow: FlowTold | null = null;
  private thread: ThreadTold | null = null;
  private live: Drawn | null = null;
  /** The one that is to stop. */
  private stopped: Drawn | null = null;
  private whole = false;
  private turn = 0;
  private opening: Promise<void> = Promise.resolve();
  private loading: Promise<void> | null = null;
  private sending = false;
  private looking: ReturnType<typeof setTimeout> | undefined;
  private readonly owner: Owner;

  constructor(
    private readonly around: Around,
    private readonly titled: (flow: FlowTold) => void = () => {},
  ) {
    this.talk.setAttribute("role", "log");
    this.talk.setAttribute("aria-live", "polite");
    this.box = new Box(
      around,
      (text) => void this.say(text),
      () => void this.stop(),
    );
    this.bar = new Conversations(around, {
      open: (thread) => void this.open(thread),
      renamed: (title) => this.thread && this.bar.show(Object.assign(this.thread, { title })),
      deleted: () => (around.keep("thread", ""), void this.open(null)),
    });
    this.owner = {
      give: (run, answer) => this.give(run, answer),
      grown: () => this.down(),
      began: (thread) => this.began(thread),
    };
    this.root.append(this.head, this.talk, this.refused, this.box.root);
    this.root.addEventListener("keydown", (event) => event.key === "Escape" && this.escape());
  }

  /** Escape stops what is at work. */
  escape(): void {
    if (this.at === "running") void this.stop();
  }

  private can(ability: Ability): boolean {
    return !!this.flow?.can?.includes(ability);
  }

  /** How the run stands that is at work, or waits; "" where there is none. */
  private get at(): State | "" {
    const state = this.live?.answer.state ?? "";
    return state === "running" || state === "waiting" || state === "elsewhere" ? state : "";
  }

  // --- beginning ----------------------------------------------------------------------------------

  /** Ask what the flow is, and show the conversation that was open last. */
  begin(): Promise<void> {
    return (this.loading ??= this.opening = this.load().finally(() => (this.loading = null)));
  }

  private async load(): Promise<void> {
    this.talk.replaceChildren(made("p", { class: "soft", text: "Loading…" }));
    try {
      this.flow = await told<FlowTold>(this.around, `/flows/${encodeURIComponent(this.around.flow)}`);
    } catch (error) {
      if (error instanceof Refusal && error.status === 401 && this.around.key) {
        await this.around.key(error.message);
        return this.load();
      }
      this.talk.replaceChildren(
        refusalElement(this.around, error),
        button("Try again", () => void this.begin()),
      );
      return;
    }
    this.titled(this.flow);
    this.box.ask(this.flow);
    if (!this.flow.talk) return this.deny(this.flow);
    await this.open(this.around.keep("thread") || null);
    if (this.around.key) this.box.text.focus();
  }

  private deny(flow: FlowTold): void {
    this.box.show(false, false, true);
    this.head.replaceChildren();
    const why = flow.can
      ? "A flow can be talked to when it asks for one text, or for messages, and gives one answer: one Flow input of " +
        "that kind without a default, or the only one, and one Flow output. Use the Run tab instead."
      : "This flow takes no message, so that it cannot be talked to.";
    this.talk.replaceChildren(made("p", {}, made("b", { text: "This flow is not a chat" })), made("p", { text: why }));
    this.box.root.hidden = !!flow.can;
  }

  /** The flow may be another by now: what it asks for is asked anew, and what is drawn stays. */
  async again(): Promise<void> {
    if (!this.flow) return this.begin();
    const now = await told<FlowTold>(this.around, `/flows/${encodeURIComponent(this.around.flow)}`).catch(() => null);
    if (!now) return;
    const before = this.flow;
    this.flow = now;
    if (!before.talk !== !now.talk || before.talk?.kind !== now.talk?.kind) {
      this.box.root.hidden = false;
      return this.begin();
    }
    await this.refresh();
  }

  // --- conversations ------------------------------------------------------------------------------

  /** Show a conversation: "" one that is begun with the next message, null the one that was used last. */
  async open(thread: string | null): Promise<void> {
    this.leave();
    this.drawn.clear();
    this.whole = false;
    this.refused.replaceChildren();
    if (thread !== null) this.around.keep("thread", thread || this.fresh());
    this.opening = this.refresh(thread);
    await this.opening;
  }

  /** A conversation that is begun: on a server the page names it; the studio names its own. */
  private fresh(): string {
    return this.can("threads") ? NEW : `chat-${crypto.getRandomValues(new Uint32Array(3)).join("-")}`;
  }

  /** Ask how the conversation stands, and draw what is new in it. */
  async refresh(wanted: string | null = this.around.keep("thread") || null): Promise<void> {
    const turn = ++this.turn;
    let found: ThreadTold | null = null;
    try {
      found = await this.find(wanted);
    } catch (error) {
      if (turn === this.turn) this.refused.replaceChildren(refusalElement(this.around, error));
      return;
    }
    if (turn !== this.turn || this.at === "running") return;
    this.thread = found;
    if (found) this.around.keep("thread", found.id);
    this.draw();
  }

  private async find(wanted: string | null): Promise<ThreadTold | null> {
    if (this.flow?.talk?.kind !== "messages" && !this.can("threads")) return null;
    if (wanted === NEW || wanted === "") return null;
    if (wanted === null && !this.can("threads")) {
      this.around.keep("thread", this.fresh());
      return null;
    }
    const name = wanted === null ? "latest" : encodeURIComponent(wanted);
    try {
      return await told<ThreadTold>(this.around, `/threads/${name}`);
    } catch (error) {
      if (!(error instanceof Refusal && error.status === 404)) throw error;
      return wanted === null || !this.can("threads") ? null : this.find(null); // it was deleted meanwhile
    }
  }

  // --- drawing ------------------------------------------------------------------------------------

  private draw(): void {
    const turns = this.thread?.turns ?? [];
    const shown = this.whole ? turns : turns.slice(-SHOWN);
    const now = this.thread?.now ?? null;
    const kept: HTMLElement[] = [];
    const last = turns[turns.length - 1];
    const before = this.live;
    this.live = null;
    if (now) this.live = this.drawNow(now, before);
    else if (before && !turns.some((turn) => turn.run === before.answer.run)) this.live = this.thread ? null : before;
    for (const turn of shown) {
      if (turn.run && turn.run === now?.run) continue;
      const one = this.drawTurn(turn);
      this.act(one, turn, turn === last && !this.at);
      kept.push(one.mine, one.answer.root);
    }
    if (this.live) kept.push(this.live.mine, this.live.answer.root);
    this.top.replaceChildren(...this.above(turns.length - shown.length, !kept.length));
    // What is there already stays as it is: with what was unfolded, and the field that is being typed into.
    const same = kept.length === this.turns.children.length && kept.every((one, i) => this.turns.children[i] === one);
    if (!same) this.turns.replaceChildren(...kept);
    if (this.talk.firstChild !== this.top) this.talk.replaceChildren(this.top, this.turns);
    if (!same) this.down(true);
    this.settle();
    if (now?.status === "running" && this.live) void this.follow(this.live, now.run, null);
  }

  private above(earlier: number, empty: boolean): HTMLElement[] {
    const talk = this.flow?.talk;
    if (this.can("threads")) this.head.replaceChildren(this.bar.root);
    this.bar.show(this.thread);
    const found: HTMLElement[] = [];
    if (empty) {
      const asks = this.can("threads") ? "Ask something. Every question starts a run of this flow." : "Say something.";
      found.push(made("p", { class: "soft hello", text: talk?.description || asks }));
    }
    if (this.can("threads"))
      found.push(made("p", { class: "soft", text: talk?.kind === "messages" ? REMEMBERS : FORGETS + HOW }));
    if (earlier > 0) {
      const show = () => ((this.whole = true), this.draw());
      found.push(button(`Show ${plural(earlier, "earlier turn")}`, show, { class: "link" }));
    }
    return found;
  }

  private drawTurn(turn: Turn): Drawn {
    const key = `${turn.number} ${turn.run} ${turn.damaged ?? ""}`;
    const before = this.drawn.get(key) ?? this.drawn.get(turn.run);
    const one = before ?? {
      mine: this.mine(turn.damaged ? "" : turn.asked),
      answer: new Answer(this.around, this.owner),
    };
    // One that was seen waiting may have ended before anybody followed it on.
    if (one.answer.state !== "finished") {
      if (turn.told) one.answer.show(turn.told);
      else one.answer.keep(turn.run, turn.answer, turn.damaged);
    }
    this.drawn.set(key, one);
    return one;
  }

  private drawNow(now: RunTold, before: Drawn | null): Drawn {
    const same = before?.answer.run === now.run ? before : this.drawn.get(now.run);
    const one = same ?? { mine: this.mine(now.asked ?? ""), answer: new Answer(this.around, this.owner) };
    this.drawn.set(now.run, one);
    const shown = same && one.answer.state === now.status && asksOf(now) === [...one.answer.open].sort().join();
    if (now.status !== "running" && !shown) one.answer.show(now);
    one.answer.run = now.run;
    return one;
  }

  private mine(text: string): HTMLElement {
    return made("div", { class: "mine", text });
  }

  /** The buttons below an answer. */
  private act(one: Drawn, turn: Turn, last: boolean): void {
    const { acts } = one.answer;
    if (turn.run && !turn.damaged)
      one.thumbs ??= this.can("threads") ? thumbsElement(this.around, turn.run, turn.thumb) : undefined;
    const parts: HTMLElement[] = one.thumbs ? [one.thumbs] : [];
    if (this.can("again") && last && !turn.damaged)
      parts.push(sign("again", "Make this answer anew", () => void this.say(turn.asked, true), { class: "sign anew" }));
    if (this.can("threads"))
      parts.push(sign("branch", "Go on from here in a new chat", () => void this.branch(turn.number)));
    const names = (all: Element[]) => all.map((part) => part.getAttribute("aria-label") ?? part.className).join();
    const key = `${turn.number} ${names(parts)}`;
    if (acts.dataset.shown === key) return;
    acts.dataset.shown = key;
    acts.replaceChildren(...parts);
  }

  private async branch(number: number): Promise<void> {
    if (!this.thread) return;
    const at = `/threads/${encodeURIComponent(this.thread.id)}/branch`;
    try {
      const made_ = await told<ThreadTold>(this.around, at, sent("POST", { turn: number }));
      await this.open(made_.id);
    } catch (error) {
      this.refused.replaceChildren(refusalElement(this.around, error));
    }
  }

  /** It is shown again, where it was away. */
  shown(): void {
    this.down(true);
  }

  /** Keep the end in view, where it is. */
  private down(always = false): void {
    const { scrollTop, clientHeight, scrollHeight } = this.talk;
    if (always || scrollHeight - scrollTop - clientHeight < 160) this.talk.scrollTop = this.talk.scrollHeight;
  }

  /** The box as the run has it; and a look at one that waits, now and then. */
  private settle(): void {
    this.box.show(this.at === "running", this.at === "waiting" || this.at === "elsewhere", !this.flow?.talk);
    clearTimeout(this.looking);
    if (this.at === "waiting" || this.at === "elsewhere") this.looking = setTimeout(() => void this.look(), LOOK_MS);
  }

  private async look(): Promise<void> {
    const one = this.live;
    if (!one || !this.at || this.at === "running") return;
    if (!this.root.isConnected || document.hidden) return this.settle();
    const now = await one.answer.look().catch(() => null);
    if (this.live !== one || one.answer.state === "running") return;
    const news = now && (now.status !== one.answer.state || asksOf(now) !== [...one.answer.open].sort().join());
    if (news) await this.goOn(one, now);
    else this.settle();
  }

  /** A run that waited stands otherwise by now. */
  private async goOn(one: Drawn, now: RunTold): Promise<void> {
    if (now.status === "running" || now.status === "queued") return void this.follow(one, now.run, null);
    if (this.can("threads")) {
      one.answer.state = "broken"; // so that it is drawn anew
      return this.refresh();
    }
    one.answer.show(now);
    this.over(one);
  }

  // --- talking ------------------------------------------------------------------------------------

  /** A turn is under way, and with the first one its conversation. */
  private began(thread: string): void {
    this.around.keep("thread", thread);
    if (!this.can("threads") || this.thread?.id === thread) return;
    const said = (this.live?.mine.textContent ?? "").replace(/\s+/g, " ");
    this.bar.show({ id: thread, title: said.length > TITLE ? `${said.slice(0, TITLE - 1)}…` : said, turns: [] });
  }

  /** Say something; or make the last answer anew. */
  async say(text: string, anew = false): Promise<void> {
    if (this.at || this.sending) return;
    this.sending = true;
    await this.opening; // what the flow is, and what was said before, are there first
    this.sending = false;
    if (!this.flow?.talk || this.at) return;
    this.refused.replaceChildren();
    const one: Drawn = { mine: this.mine(text), answer: new Answer(this.around, this.owner) };
    this.live = one;
    this.box.show(true, false);
    if (!anew && this.box.text.value.trim() === text) this.box.write("");
    if (anew) this.takeLast();
    this.hush();
    this.turns.append(one.mine, one.answer.root);
    this.down(true);
    try {
      await this.around.settled?.();
      const made_ = await this.around.ask(this.address(anew), this.body(text));
      if (!made_.ok) throw await refusalOf(made_);
      const run = made_.headers.get("x-run-id") ?? "";
      this.drawn.set(run, one);
      const followed = this.follow(one, run, made_);
      if (this.stopped === one) void this.stop();
      await followed;
    } catch (error) {
      this.refuse(one, text, anew, error);
    }
  }

  /** While something is at work nothing is made anew, and nobody needs to be told how to begin. */
  private hush(): void {
    this.top.querySelector(".hello")?.remove();
    for (const one of this.turns.querySelectorAll<HTMLElement>(".acts .anew")) {
      delete one.closest<HTMLElement>(".acts")!.dataset.shown;
      one.remove();
    }
  }

  /** The last turn gives way to the one that takes its place. */
  private takeLast(): void {
    for (const element of [...this.turns.children].slice(-2)) element.remove();
  }

  /** It was not begun: what was typed is in the box again, the reasons are above it. */
  private refuse(one: Drawn, text: string, anew: boolean, error: unknown): void {
    one.answer.leave();
    one.mine.remove();
    one.answer.root.remove();
    this.live = null;
    if (!anew && !this.box.text.value) this.box.write(text);
    const reason =
      error instanceof Refusal ? error : new Refusal([{ message: "The server cannot be reached.", fix: "Try again." }]);
    this.refused.replaceChildren(refusalElement(this.around, reason));
    this.around.refused?.();
    if (this.thread || anew) this.draw();
    else this.settle();
  }

  private address(anew: boolean): string {
    const query = new URLSearchParams({ stream: "true" });
    const thread = this.around.keep("thread");
    const named = thread && thread !== NEW && (this.can("threads") || this.flow?.talk?.kind === "messages");
    if (named) query.set("thread", thread);
    if (anew) query.set("again", "true");
    return `/flows/${encodeURIComponent(this.around.flow)}/run?${query}`;
  }

  private body(text: string): RequestInit {
    const input = this.flow!.talk!.input;
    const others = this.box.given();
    if (!others.length) return sent("POST", { [input]: text });
    const body = new FormData();
    body.append(input, text);
    for (const [name, value] of others) body.append(name, value);
    return { method: "POST", body };
  }

  private async follow(one: Drawn, run: string, first: Response | null): Promise<void> {
    const work = one.answer.follow(run, first);
    this.live = one;
    this.settle();
    const state = await work;
    if (this.live !== one) return;
    if (state === "waiting") {
      const now = await one.answer.look().catch(() => null);
      if (this.live === one && now?.questions) one.answer.ask(now.questions);
    }
    this.over(one);
    if (this.can("threads")) await this.refresh();
  }

  /** A run has ended, or waits. */
  private over(one: Drawn): void {
    const { answer } = one;
    if (!this.can("threads") && answer.state === "finished" && answer.run) {
      one.thumbs ??= thumbsElement(this.around, answer.run);
      answer.acts.replaceChildren(one.thumbs);
    }
    this.settle();
    this.down();
  }

  private async give(run: string, answer: Record<string, unknown>): Promise<void> {
    const one = this.live;
    const done = await this.around.ask(`/runs/${run}/answer`, sent("POST", { ...answer, stream: true }));
    if (!done.ok) {
      const refusal = await refusalOf(done);
      if (refusal.status !== 409) throw refusal;
      this.refused.replaceChildren(refusalElement(this.around, refusal)); // somebody was faster
      return void this.look();
    }
    if (!one) return;
    one.answer.hear(String(answer.question));
    const streams = done.headers.get("content-type")?.startsWith("text/event-stream");
    if (one.answer.state === "running") return void done.body?.cancel().catch(() => {});
    if (streams) return void this.follow(one, run, done);
    const now = await one.answer.look().catch(() => null);
    if (now) await this.goOn(one, now);
  }

  /** Stop the run that is at work, or that waits. */
  private async stop(): Promise<void> {
    const one = this.live;
    this.stopped = one;
    if (!one?.answer.run) return; // it is stopped once it has begun
    const waited = this.at !== "running";
    const done = await told(this.around, `/runs/${one.answer.run}/cancel`, { method: "POST" }).catch((error) => error);
    if (done instanceof Refusal) this.refused.replaceChildren(refusalElement(this.around, done));
    if (!waited || this.live !== one) return;
    one.answer.show({ run: one.answer.run, status: "cancelled" });
    this.over(one);
    if (this.can("threads")) await this.refresh();
  }

  /** Follow nothing any more: another conversation is shown, or none. */
  leave(): void {
    clearTimeout(this.looking);
    this.live?.answer.leave();
    this.live = null;
  }
}

/** The questions that a run waits for, as one word. */
const asksOf = (now: RunTold): string =>
  (now.questions ?? [])
    .map(({ question }) => question)
    .sort()
    .join();

/** In place of the id of a conversation: one that is begun with the next message. */
const NEW = "(new)";
