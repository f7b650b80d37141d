import { createContext, useContext, useSyncExternalStore } from "react";
import type { Pin } from "./pins";
import { NodeState } from "./progress";
import { Statuses } from "./statuses";
import { Doc, Emitter } from "./store";
import type { LargeState } from "./large/state";
import type { Peeks } from "./peek";
import type { Lane } from "./layout/lanes";
import { Dragged, End, refusal } from "./types";
import { Port } from "./model";

/** What every part of the canvas may ask for. */
export interface Actions {
  rename(id: string): void;
  open(id: string): void;
  /** Add what fits an output best, and wire it; or (`choose`) ask what. */
  grow(end: End, choose: boolean): void;
  stopRenaming(): void;
  /** Go into a flow that a node runs, by the name of its file. */
  enter(flow: string): void;
  /** Let the person type what a node is said to give instead of being run. */
  give(node: string): void;
  /** Show the settings of what was clicked on, unless the person folded the dock. */
  look(): void;
  /** Fold or unfold the dock; the palette. */
  dock(): void;
  palette(): void;
}
export interface Shared {
  doc: Doc;
  statuses: Statuses;
  wiring: Wiring;
  lanes: Lanes;
  large: LargeState;
  peeks: Peeks;
  actions: Actions;
  ui: Ui;
}

/** A wire under way: which ports fit. */
export class Wiring extends Emitter {
  dragged: Dragged | null = null;
  over: { end: End; reason: string } | null = null;
  set(dragged: Dragged | null): void {
    this.dragged = dragged;
    this.over = null;
    this.emit();
  }
  hover(end: End | null, reason = ""): void {
    this.over = end && { end, reason };
    this.emit();
  }
}

/** Which way each wire goes that cannot go straight over. */
export class Lanes extends Emitter {
  private lanes = new Map<string, Lane>();

  get = (id: string): Lane | undefined => this.lanes.get(id);

  /** A lane that stays keeps its object, so that its wire is not drawn again. */
  set(fresh: Map<string, Lane>): void {
    const old = this.lanes;
    this.lanes = new Map(
      [...fresh].map(([id, lane]) => {
        const before = old.get(id);
        const same = before && before.y === lane.y && before.x1 === lane.x1 && before.x2 === lane.x2;
        return [id, same && before.back === lane.back ? before : lane];
      }),
    );
    this.emit();
  }
}

/** Small passing state: what is being renamed, which wire or group a node would be dropped on. */
export class Ui extends Emitter {
  renaming = "";
  dropWire = "";
  dropGroup = "";
  set(change: Partial<Pick<Ui, "renaming" | "dropWire" | "dropGroup">>): void {
    Object.assign(this, change);
    this.emit();
  }
}

export const SharedContext = createContext<Shared>(null as unknown as Shared);
export const useShared = (): Shared => useContext(SharedContext);

export function useStatus(id: string): NodeState | undefined {
  const { statuses } = useShared();
  return useSyncExternalStore(
    (listener) => statuses.subscribe(id, listener),
    () => statuses.get(id),
  );
}

/** "" when no wire is dragged, else whether this port takes it, or is where it comes from. */
export function useVerdict(end: End, port: Port): string {
  const { wiring, doc } = useShared();
  return useSyncExternalStore(wiring.subscribe, () => {
    const dragged = wiring.dragged;
    if (!dragged) return "";
    const { from } = dragged;
    if (from.node === end.node && from.port === end.port && from.side === end.side) return "start";
    return refusal(doc, dragged, end, port) ? "refuses" : "fits";
  });
}

/** What a node is said to give instead of being run. */
export function usePin(id: string): Pin | undefined {
  const { doc } = useShared();
  return useSyncExternalStore(doc.pinned.subscribe, () => doc.pins.nodes[id]);
}

/** Whether somebody has tried to run the flow; for what is not drawn with everything else. */
export function useTried(): boolean {
  const { doc } = useShared();
  const now = () => doc.tried;
  return useSyncExternalStore(doc.changed.subscribe, now, now);
}

export function useDoc(doc: Doc): number {
  return useSyncExternalStore(doc.changed.subscribe, () => doc.changed.version);
}
