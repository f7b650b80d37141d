// The dock over the canvas: whether it is open, which tab is in front, how wide it is. It outlives reloads.

import type { Chosen } from "../edits";
import { Emitter } from "../store";

/** The tab that the canvas draws itself: the settings of what is selected. */
export const SETTINGS = "Node";
export const PROBLEMS = "Problems";
/** What the canvas draws in the dock itself; the rest the page draws. */
export const OWN = [SETTINGS, PROBLEMS];
export const NARROWEST = 300;
const KEPT = "patchbay-dock";

interface Kept {
  open: boolean;
  tab: string;
  width: number;
}

/** What is selected, for who asks: a click on a node must not draw the whole editor anew. */
export class ChosenState extends Emitter {
  now: Chosen = { nodes: [], edges: [], notes: [], groups: [] };

  set = (chosen: Chosen): void => {
    this.now = chosen;
    this.emit();
  };
}

/** What a page without a dock has, and what is kept between visits. */
export class DockState extends Emitter {
  open = false;
  tab = SETTINGS;
  width = 400;
  /** A person folded it: what is selected does not unfold it again. */
  private folded = false;

  constructor() {
    super();
    try {
      const kept = JSON.parse(localStorage.getItem(KEPT) ?? "{}") as Partial<Kept>;
      this.open = kept.open === true;
      if (typeof kept.tab === "string") this.tab = kept.tab;
      if (typeof kept.width === "number") this.width = kept.width;
    } catch {
      // A browser that keeps nothing, or something else: as if it were the first visit.
    }
  }

  /** Bring a tab to the front. */
  show(tab: string): void {
    this.folded = false;
    this.set({ open: true, tab });
  }

  /** What a click on a node asks for: its settings, unless the person wants none. */
  lookAt(): void {
    if (!this.folded) this.set({ open: true, tab: SETTINGS });
  }

  fold(): void {
    this.folded = true;
    this.set({ open: false });
  }

  toggle(): void {
    if (this.open) this.fold();
    else this.show(this.tab);
  }

  widen(width: number): void {
    this.set({ width: Math.max(NARROWEST, Math.min(width, window.innerWidth * 0.75)) });
  }

  private set(change: Partial<Kept>): void {
    Object.assign(this, change);
    try {
      localStorage.setItem(KEPT, JSON.stringify({ open: this.open, tab: this.tab, width: this.width }));
    } catch {
      // It is only a convenience.
    }
    this.emit();
  }
}
