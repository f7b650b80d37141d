// What a person types for the next run of a flow: at once in its field, a moment later in Python, which keeps it for
// Run and Chat alike. A run that is asked for waits until all of it is there.

import { get } from "../ask";
import { type Doc, Emitter } from "../store";

/** `form_of` in studio/inspector/run_form.py. */
export interface FormTold {
  fields: FieldTold[];
  notes: string[];
  refused: { place: string; message: string; fix: string }[];
  environment?: { options: string[]; chosen: string; said: string };
}
export interface FieldTold {
  name: string;
  kind: string;
  required: boolean;
  doc: string;
  choices: string[];
  /** What stands in it; of files, which are given, and what is taken without one. */
  text?: string;
  files?: string[];
  without?: string;
}

const PAUSE_MS = 150;
const POST = (body: unknown): RequestInit => ({ method: "POST", body: JSON.stringify(body) });

export class Typed extends Emitter {
  told: FormTold | null = null;
  /** Python did not answer. */
  failed = false;
  /** What was typed and may not be told yet, by the names of inputs. */
  private drafts = new Map<string, string>();
  private unsent = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private going: Promise<void> | null = null;

  constructor(private doc: Doc) {
    super();
  }

  /** What stands in a field: what is being typed, else what is kept. */
  textOf = (field: FieldTold): string => this.drafts.get(field.name) ?? field.text ?? "";

  /** Whether nothing stands in a field that has to be given. */
  lacks = (field: FieldTold): boolean =>
    field.required && !(field.files ? field.files.length : this.textOf(field).trim());

  type(name: string, text: string): void {
    this.drafts.set(name, text);
    this.unsent.add(name);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.sent(), PAUSE_MS);
    this.emit();
  }

  /** The field is left: from now on it shows what is kept. */
  async leave(name: string): Promise<void> {
    await this.sent();
    if (this.failed || this.unsent.has(name)) return;
    this.drafts.delete(name);
    this.emit();
  }

  /** Whether something was typed that Python does not have yet. */
  get waits(): boolean {
    return this.unsent.size > 0 || !!this.going;
  }

  /** When Python has all that was typed, or does not answer. */
  async sent(): Promise<void> {
    clearTimeout(this.timer);
    while (this.waits && !(this.failed && !this.going && !this.unsent.size)) {
      this.going ??= this.send().finally(() => (this.going = null));
      await this.going;
      if (this.failed) return;
    }
  }

  /** Ask for the form as it is. */
  async ask(): Promise<void> {
    this.take(await get<FormTold>(this.doc.at("form")));
  }

  choose(environment: string): Promise<void> {
    return this.post({ environment });
  }

  clear(name: string): Promise<void> {
    return this.post({ typed: { [name]: null } });
  }

  /** Give files for an input, one after the other. */
  async give(name: string, files: File[]): Promise<void> {
    let more = "";
    for (const file of files) {
      const told = await get<FormTold>(
        this.doc.at("form-file"),
        { input: name, name: file.name, ...(more && { more }) },
        { method: "POST", body: file },
      );
      if (!told) return this.doc.say(`${file.name} could not be taken. It may be too large, or the studio is gone.`);
      this.take(told);
      more = "1";
    }
  }

  private async send(): Promise<void> {
    const names = [...this.unsent];
    this.unsent.clear();
    const typed = Object.fromEntries(names.map((name) => [name, this.drafts.get(name) ?? ""]));
    await this.post({ typed });
    if (this.failed) names.forEach((name) => this.unsent.add(name));
  }

  private async post(wish: unknown): Promise<void> {
    this.take(await get<FormTold>(this.doc.at("form"), {}, POST(wish)));
  }

  private take(told: FormTold | null): void {
    this.failed = !told;
    if (told) this.told = told;
    this.emit();
  }
}

const all = new Map<string, Typed>();

export function typedOf(doc: Doc): Typed {
  let found = all.get(doc.id);
  if (!found) {
    all.set(doc.id, (found = new Typed(doc)));
    const typed = found;
    doc.holds = () => (typed.waits ? typed.sent() : undefined);
  }
  return found;
}

/** The page's own button to run. */
const RUN = ".st-key-run button";

/**
 * What is pressed while something typed or an edit is under way is pressed when it is there. Of two messages that wait
 * for Python at the same time, it takes the one that came last first.
 */
export function holdRun(doc: Doc): () => void {
  const typed = typedOf(doc);
  let held = false;
  const whenThere = async () => {
    held = true;
    await typed.sent();
    await doc.settled();
    held = false;
    document.querySelector<HTMLElement>(RUN)?.click(); // held again where Python has not answered yet
  };
  const press = (event: MouseEvent) => {
    const button = event.target instanceof Element ? event.target.closest<HTMLElement>(RUN) : null;
    if (!button || (!held && !typed.waits && !doc.unconfirmed)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!held) void whenThere();
  };
  window.addEventListener("click", press, true);
  return () => window.removeEventListener("click", press, true);
}
