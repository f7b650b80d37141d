// What nodes give that are not run, as people pinned it. Python's side is studio/inspector/pinning.py.

import { get } from "./ask";
import type { Doc } from "./store";

/** A node's pinned value: its beginning; whether it was given by hand, and for one run only. */
export interface Pin {
  gist: string;
  edited?: boolean;
  once?: boolean;
}
/** `turn` is another after each change. */
export interface Pins {
  turn: number;
  nodes: Record<string, Pin>;
}
/** What the editor of a value is told. */
export interface Pinnable {
  ports: { name: string; types: string[]; plain: boolean; text?: string }[];
  pinned: boolean;
}
export type Wish =
  { pin: string[] } | { unpin: string[] } | { node: string; values: Record<string, string>; once: boolean };

export const NO_PINS: Pins = { turn: 0, nodes: {} };

/** The pins that are told, each as the object that it was where it says the same. */
export function followed(old: Pins, told: Pins = NO_PINS): Pins {
  if (old.turn === told.turn && sameIds(old.nodes, told.nodes)) return old;
  const nodes = Object.entries(told.nodes).map(([id, pin]) => [id, same(old.nodes[id], pin) ? old.nodes[id] : pin]);
  return { turn: told.turn, nodes: Object.fromEntries(nodes) as Record<string, Pin> };
}

const sameIds = (a: object, b: object): boolean => Object.keys(a).join() === Object.keys(b).join();
const same = (a: Pin | undefined, b: Pin): boolean =>
  !!a && a.gist === b.gist && a.edited === b.edited && a.once === b.once;

/** What a pin is called on its node. */
export const pinWords = (pin: Pin): string => (pin.once ? "for one run" : pin.edited ? "set by hand" : "pinned");

export const askPin = (doc: Doc, node: string): Promise<Pinnable | null> => get<Pinnable>(doc.at("pin"), { node });

/** Have it done; "" where it was, else why not. */
export async function wish(doc: Doc, what: Wish): Promise<string> {
  const told = await get<{ pins: Pins; message: string }>(
    doc.at("pins"),
    {},
    {
      method: "POST",
      body: JSON.stringify(what),
    },
  );
  if (!told) return "The studio does not answer, or the value is too large.";
  doc.hold(told.pins);
  return told.message;
}
