// The row above a chat: which conversation it is, the others, and a new one.

import { type Around, type ThreadLine, type ThreadTold, sent, told } from "./caller";
import { type Drawing } from "./drawings";
import { button, made, plural, refusalElement, save, sign } from "./parts";

const PAUSE_MS = 200;

/** What the row has the chat do. */
export interface Chosen {
  open: (thread: string) => void;
  renamed: (title: string) => void;
  deleted: () => void;
}

export class Conversations {
  readonly root = made("div", { class: "bar" });
  private readonly title = made("b", { class: "name" });
  private readonly others = new Fold("menu", "Conversations", (body) => this.list(body));
  private readonly this_ = new Fold("more", "This conversation", (body) => this.manage(body));
  private readonly fresh: HTMLButtonElement;
  private thread: ThreadTold | null = null;

  constructor(
    private readonly around: Around,
    private readonly chosen: Chosen,
  ) {
    this.fresh = sign("pen", "New chat", () => chosen.open(""));
    this.root.append(this.others.root, this.title, this.this_.root, this.fresh);
  }

  show(thread: ThreadTold | null): void {
    const other = thread?.id !== this.thread?.id;
    this.thread = thread;
    this.title.textContent = thread ? thread.title || thread.id : "New chat";
    this.title.title = this.title.textContent;
    this.this_.root.hidden = this.fresh.hidden = !thread;
    if (other) this.this_.shut();
  }

  private list(body: HTMLElement): void {
    const search = made("input", { type: "search", placeholder: "What was said", label: "Search conversations" });
    const list = made("div", { class: "list", label: "Conversations" });
    list.setAttribute("role", "group");
    let turn = 0;
    const find = async () => {
      const mine = ++turn;
      try {
        const query = new URLSearchParams({ search: search.value });
        const { threads } = await told<{ threads: ThreadLine[] }>(this.around, `/threads?${query}`);
        if (mine !== turn) return;
        const said = search.value ? "Nothing that was said fits." : "There are no conversations yet.";
        list.replaceChildren(...threads.map((one) => this.line(one)));
        if (!threads.length) list.append(made("p", { class: "soft", text: said }));
      } catch (error) {
        if (mine === turn) list.replaceChildren(refusalElement(this.around, error));
      }
    };
    let timer: ReturnType<typeof setTimeout> | undefined;
    search.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => void find(), PAUSE_MS);
    });
    body.replaceChildren(search, list);
    void find();
    search.focus();
  }

  private line({ id, title, turns }: ThreadLine): HTMLElement {
    const go = () => (this.others.shut(), this.chosen.open(id));
    const more = turns === undefined ? {} : { title: plural(turns, "turn") };
    const line = button(title || id, go, { class: "line", ...more });
    if (id === this.thread?.id) line.setAttribute("aria-current", "true");
    return line;
  }

  private manage(body: HTMLElement): void {
    const thread = this.thread;
    if (!thread) return;
    const at = `/threads/${encodeURIComponent(thread.id)}`;
    const tried = async (work: () => Promise<unknown>, done: () => void) => {
      body.querySelector(".bad")?.remove();
      try {
        await work();
      } catch (error) {
        return void body.append(refusalElement(this.around, error));
      }
      done();
    };
    const title = made("input", { value: thread.title, maxLength: 200 });
    title.addEventListener("change", () => {
      const next = title.value;
      void tried(
        () => told(this.around, at, sent("PATCH", { title: next })),
        () => this.chosen.renamed(next),
      );
    });
    const sure = made("input", { type: "checkbox" });
    const drop = () => told(this.around, at, { method: "DELETE" });
    const remove = button("Delete", () => void tried(drop, () => (this.this_.shut(), this.chosen.deleted())), {
      disabled: true,
    });
    sure.addEventListener("change", () => (remove.disabled = !sure.checked));
    const take = async () => {
      const found = await told<{ name: string; text: string }>(this.around, `${at}/export`);
      save(found.name, found.text, "text/markdown");
    };
    body.replaceChildren(
      made("label", {}, "Title", title),
      made("code", { class: "soft", text: `patchbay chat --thread ${thread.id}` }),
      button("Export", () => void tried(take, () => {})),
      made("label", { class: "check" }, sure, "Delete it with all its runs"),
      remove,
    );
  }
}

/** A button that opens a small window below it; Escape and a press elsewhere close it. */
class Fold {
  readonly root = made("div", { class: "pop" });
  private readonly body = made("div", { class: "pop-body", hidden: true });
  private readonly button: HTMLButtonElement;

  constructor(
    mark: Drawing,
    name: string,
    private readonly fill: (body: HTMLElement) => void,
  ) {
    this.button = sign(mark, name, () => (this.body.hidden ? this.open() : this.shut()));
    this.button.setAttribute("aria-expanded", "false");
    this.body.setAttribute("role", "dialog");
    this.body.setAttribute("aria-label", name);
    this.root.append(this.button, this.body);
    this.root.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this.body.hidden) return;
      event.stopPropagation();
      this.shut();
      this.button.focus();
    });
  }

  private open(): void {
    this.body.hidden = false;
    this.button.setAttribute("aria-expanded", "true");
    this.fill(this.body);
    document.addEventListener("pointerdown", this.outside, true);
  }

  shut(): void {
    this.body.hidden = true;
    this.button.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", this.outside, true);
  }

  private outside = (event: Event): void => {
    if (!event.composedPath().includes(this.root)) this.shut();
  };
}
