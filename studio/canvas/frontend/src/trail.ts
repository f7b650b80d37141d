// The way into flows that nodes run, and back out again. It is kept with the tab, and outlives a reload of the page.

interface Step {
  /** The flow that was left, by the name of its file, and by what it calls itself. */
  from: string;
  title: string;
  to: string;
}

const KEPT = "patchbay-trail";
/** A way in that is longer than that is forgotten at its beginning. */
const LONGEST = 50;

type Store = Pick<Storage, "getItem" | "setItem">;

export class Trail {
  /** Where a browser keeps nothing, the way back lasts as long as the page. */
  private steps: Step[];

  constructor(private store: () => Store = () => sessionStorage) {
    this.steps = this.recall();
  }

  goIn(title: string, to: string, from = shownFlow()): void {
    this.keep([...this.steps, { from, title: title || from, to }].slice(-LONGEST));
  }

  /** Where the shown flow was come into from; undefined where it was opened in another way. */
  cameFrom(now = shownFlow()): Step | undefined {
    const last = this.steps.at(-1);
    return last && last.to === now && last.from ? last : undefined;
  }

  goBack(): Step | undefined {
    const last = this.steps.at(-1);
    this.keep(this.steps.slice(0, -1));
    return last;
  }

  private keep(steps: Step[]): void {
    this.steps = steps;
    try {
      this.store().setItem(KEPT, JSON.stringify(steps));
    } catch {
      // It is only a convenience.
    }
  }

  private recall(): Step[] {
    try {
      const kept: unknown = JSON.parse(this.store().getItem(KEPT) ?? "[]");
      return Array.isArray(kept) ? kept.filter(isStep) : [];
    } catch {
      return [];
    }
  }
}

const isStep = (kept: unknown): kept is Step =>
  !!kept && ["from", "title", "to"].every((name) => typeof (kept as Record<string, unknown>)[name] === "string");

/** The flow that the page shows, by the name of its file. */
export const shownFlow = (): string => new URLSearchParams(window.location.search).get("flow") ?? "";

export const trail = new Trail();
