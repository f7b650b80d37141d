// What a pointer rests on, or the focus of the keyboard: of a port or a wire its types, and the last value that went
// over it. Drawn above the canvas, so that it can be read at every zoom.

import { type RefObject, useEffect, useLayoutEffect, useRef, useState, useSyncExternalStore } from "react";
import { useShared } from "./context";
import type { Covered } from "./dock/sizes";
import { type Sketch, type Told, askValues } from "./large/values";
import { Emitter } from "./store";
import type { Side } from "./types";

const REST_MS = 350;
const LONG = 220;
/** Pixels between a peek and what it is about. */
const GAP = 14;

/** A value of the last run: what went in or out at a port of a node. */
export interface Source {
  node: string;
  side: Side;
  port: string;
}
export interface Peeked {
  /** Which port or wire. */
  key: string;
  title: string;
  /** Its types and what else is to be known of it. */
  about: string[];
  /** Where its value is; the first that there is counts. None before a run. */
  sources: Source[];
  /** How to see all of the value. */
  hint: string;
  /** Changes when the value may be another. */
  when: string;
  side: Side | "below";
  /** Where it is on the page, in pixels: asked when it is shown. */
  at: () => { left: number; top: number; right: number; bottom: number };
}

export class Peeks extends Emitter {
  now: Peeked | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** Show it once the pointer has rested on it. */
  rest(what: Peeked): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.set(what), REST_MS);
  }

  /** Nobody looks at this one any more; without a name, at any. */
  leave(key = ""): void {
    if (key && this.now && this.now.key !== key) return;
    clearTimeout(this.timer);
    if (this.now) this.set(null);
  }

  private set(what: Peeked | null): void {
    this.now = what;
    this.emit();
  }
}

/** The value of the first source that has one; undefined while it is asked for, null where there is none. */
export function firstOf(sources: Source[], told: Record<string, Told | null>): Sketch | null | undefined {
  for (const { node, side, port } of sources) {
    const found = told[node];
    if (found === undefined) return undefined;
    if (found?.[side][port]) return found[side][port];
  }
  return null;
}

export function Peek({ root, covered }: { root: RefObject<HTMLElement | null>; covered: () => Covered }) {
  const { doc, peeks } = useShared();
  const what = useSyncExternalStore(peeks.subscribe, () => peeks.now);
  const [told, setTold] = useState<{ of: string; values: Record<string, Told | null> }>({ of: "", values: {} });
  const box = useRef<HTMLDivElement>(null);
  const of = what ? `${what.key} ${what.when}` : "";
  useEffect(() => {
    if (!what?.sources.length) return;
    let gone = false;
    const ask = async () => {
      const values: Record<string, Told | null> = {};
      for (const { node } of what.sources) {
        if (firstOf(what.sources, values) !== undefined) break;
        values[node] ??= await askValues(doc, node);
      }
      if (!gone) setTold({ of, values });
    };
    void ask();
    return () => void (gone = true);
  }, [doc, of]);
  const found = what && told.of === of ? firstOf(what.sources, told.values) : undefined;
  useLayoutEffect(() => {
    if (box.current && root.current && what) place(box.current, root.current, what, covered());
  });
  if (!what) return null;
  return (
    <div className="pb-peek" role="tooltip" ref={box}>
      <b>{what.title}</b>
      {what.about.map((words) => (
        <small key={words}>{words}</small>
      ))}
      {found && <span className="pb-peek-value">{found.gist.slice(0, LONG)}</span>}
      {found === null && what.sources.length > 0 && <small>Nothing is kept of it from the last run.</small>}
      {found && <small>{what.hint}</small>}
    </div>
  );
}

/** Beside what it is about, within the part of the canvas that can be seen. */
function place(box: HTMLElement, root: HTMLElement, { side, at }: Peeked, covered: Covered): void {
  const room = root.getBoundingClientRect();
  const about = at();
  const { offsetWidth: w, offsetHeight: h } = box;
  const beside = { in: about.left - GAP - w, out: about.right + 2 * GAP, below: (about.left + about.right - w) / 2 };
  const top = side === "below" ? about.bottom + GAP : about.top - 6;
  const within = (value: number, length: number, least: number, most: number): number =>
    Math.max(least + 8, Math.min(value, most - length - 8));
  box.style.left = `${within(beside[side] - room.left, w, covered.left, room.width - covered.right)}px`;
  box.style.top = `${within(top - room.top, h, 0, room.height)}px`;
}
