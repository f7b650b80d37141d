// Where a message is typed, with the other inputs of the flow above it. What was typed is kept until it is sent.

import type { Around, FlowTold, InputTold } from "./caller";
import { made } from "./parts";

const MOST_ROWS = 8;

export class Box {
  readonly root = made("form", { class: "say" });
  readonly text = made("textarea", { rows: 1, label: "Message", placeholder: "Message" });
  private readonly fields = made("div", { class: "fields" });
  private readonly send = made("button", { class: "act", text: "Send" });
  private running = false;

  constructor(
    private readonly around: Around,
    private readonly say: (text: string) => void,
    private readonly stop: () => void,
  ) {
    this.root.append(this.fields, made("div", { class: "line" }, this.text, this.send));
    this.root.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.running) this.stop();
      else if (this.text.value.trim() && !this.text.disabled) this.say(this.text.value.trim());
    });
    this.text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      if (!this.running) this.root.requestSubmit();
    });
    this.text.addEventListener("input", () => {
      around.keep("draft", this.text.value);
      this.fit();
    });
  }

  /** What the flow asks for beside the message; nothing where that stands in another form. */
  ask(flow: FlowTold): void {
    const shared = flow.can?.includes("shared");
    const others = flow.inputs.filter((one) => one.name !== flow.talk?.input && (one.required || isFile(one)));
    this.fields.replaceChildren(...(shared || !flow.talk ? [] : others.map(fieldOf)));
    this.write(this.around.keep("draft"));
  }

  /** While a run is at work the button stops it; while one waits nothing is typed. */
  show(running: boolean, waits: boolean, off = false): void {
    this.running = running || waits;
    this.send.textContent = this.running ? "Stop" : "Send";
    this.send.classList.toggle("act", !this.running);
    this.send.disabled = off;
    this.text.disabled = off || waits;
    this.text.placeholder = waits ? "It waits for your answer above" : "Message";
  }

  write(text: string): void {
    this.text.value = text;
    this.around.keep("draft", text);
    this.fit();
  }

  /** What goes beside the message, with files where there are some. */
  given(): [name: string, value: string | File][] {
    const found: [string, string | File][] = [];
    for (const one of this.fields.querySelectorAll<HTMLInputElement | HTMLSelectElement>("[name]")) {
      if (one instanceof HTMLInputElement && one.type === "file")
        for (const file of one.files ?? []) found.push([one.name, file]);
      else if (one.value) found.push([one.name, one.value]);
    }
    return found;
  }

  private fit(): void {
    this.text.rows = Math.min(MOST_ROWS, this.text.value.split("\n").length);
  }
}

const isFile = (one: InputTold): boolean => one.kind === "file" || one.kind === "documents";

function fieldOf(one: InputTold): HTMLElement {
  const common = { name: one.name, required: one.required };
  const label = (inner: HTMLElement) => made("label", { text: one.description || one.name }, inner);
  if (one.kind === "choice") {
    const list = made("select", common);
    for (const text of one.choices ?? []) list.append(made("option", { text, selected: text === one.default }));
    return label(list);
  }
  if (isFile(one)) return label(made("input", { ...common, type: "file", multiple: one.kind === "documents" }));
  const type = one.kind === "number" ? "number" : "text";
  return label(made("input", { ...common, type, step: "any", value: String(one.default ?? "") }));
}
