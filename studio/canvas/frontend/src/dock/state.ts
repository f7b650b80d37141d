// What lies over the canvas: dock and palette, whether they are open, which tab is in front, how wide the two are.
// What a person chose outlives reloads, for each size of window: a telephone is not told what suits a large screen.

import type { Chosen } from "../edits";
import { Emitter } from "../store";
import { type Lying, PALETTE, SIZES, type Size, WIDTH, bothFit, firstOf, sizeOf } from "./sizes";

/** The tab of what is selected: its settings. It is there in every dock. */
export const SETTINGS = "Node";
export const PROBLEMS = "Problems";
export const VALUES = "Values";
export const CHAT = "Chat";
export const RUN = "Run";
export const NARROWEST = 300;
const NARROWEST_PALETTE = 200;
const KEPT = "patchbay-dock";

interface Kept {
  tab: string;
  sizes: Partial<Record<Size, Lying>>;
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
  palette = false;
  tab = SETTINGS;
  width = WIDTH;
  paletteWidth = PALETTE;
  size: Size;
  /** A person folded it: what is selected does not unfold it again. */
  private folded = false;
  private sizes: Kept["sizes"] = {};

  /** The window's width in pixels, and where choices are kept; a browser may refuse the latter. */
  constructor(
    private window = () => globalThis.window.innerWidth,
    private store: () => Pick<Storage, "getItem" | "setItem"> = () => localStorage,
  ) {
    super();
    this.recall();
    this.size = sizeOf(this.window());
    Object.assign(this, this.sizes[this.size] ?? firstOf(this.size));
    this.makeRoom("palette");
  }

  /** The window has another width. What is in use stays; else it is as a person left it at this size. */
  fit(): void {
    const [size, used] = [sizeOf(this.window()), this.open];
    if (size !== this.size) Object.assign(this, this.sizes[size] ?? firstOf(size), { size });
    this.open ||= used;
    this.makeRoom("palette");
    this.emit();
  }

  /** Bring a tab to the front. */
  show(tab: string): void {
    this.folded = false;
    this.set({ open: true, tab });
  }

  /** What a click on a node asks for: its settings, unless the person wants none, or they would cover the canvas, or
   * its values are in front. */
  lookAt(): void {
    if (this.open && this.tab === VALUES) return;
    if (this.open || (!this.folded && this.size !== "small")) this.set({ open: true, tab: SETTINGS });
  }

  fold(): void {
    this.folded = true;
    this.set({ open: false });
  }

  toggle(): void {
    if (this.open) this.fold();
    else this.show(this.tab);
  }

  showPalette(palette: boolean): void {
    this.set({ palette });
  }

  widen(width: number): void {
    this.set({ width: Math.max(NARROWEST, Math.min(width, this.window() * 0.75)) });
  }

  widenPalette(width: number): void {
    this.set({ paletteWidth: Math.max(NARROWEST_PALETTE, Math.min(width, this.window() * 0.5)) });
  }

  /** Fold one of the two where both would leave less than half of the canvas. */
  private makeRoom(less: "open" | "palette"): void {
    if (this.open && this.palette && !bothFit(this.window(), this.width, this.paletteWidth)) this[less] = false;
  }

  private set(change: Partial<Lying & { tab: string }>): void {
    Object.assign(this, change);
    this.makeRoom(change.palette || change.paletteWidth ? "open" : "palette");
    const { open, palette, width, paletteWidth } = this;
    this.sizes[this.size] = { open, palette, width, paletteWidth };
    try {
      this.store().setItem(KEPT, JSON.stringify({ tab: this.tab, sizes: this.sizes } satisfies Kept));
    } catch {
      // It is only a convenience.
    }
    this.emit();
  }

  private recall(): void {
    try {
      const kept = JSON.parse(this.store().getItem(KEPT) ?? "{}") as Partial<Kept>;
      if (typeof kept.tab === "string") this.tab = kept.tab;
      for (const size of SIZES) {
        const { open, palette, width, paletteWidth } = { ...firstOf(size), ...kept.sizes?.[size] };
        if (kept.sizes?.[size])
          this.sizes[size] = {
            open: open === true,
            palette: palette === true,
            width: Number(width) || WIDTH,
            paletteWidth: Number(paletteWidth) || PALETTE,
          };
      }
    } catch {
      // A browser that keeps nothing, or something else: as if it were the first visit.
    }
  }
}
