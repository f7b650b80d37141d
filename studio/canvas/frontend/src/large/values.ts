// The values of the last run, asked for node by node. What they look like is told first; they themselves when opened.

import { useEffect, useState } from "react";
import { get } from "../ask";
import type { Part } from "../live/words";
import type { Json } from "../model";
import type { Doc } from "../store";
import type { Side } from "../types";
import type { Stored } from "./documents";

/** `values_of` in studio/inspector/values.py. */
export interface Told {
  run: string;
  status: string;
  in: Record<string, Sketch>;
  out: Record<string, Sketch>;
}
export interface Sketch {
  shape: string;
  gist: string;
}
/** Besides what a node took and gave: what the run gave, and the files that it has written so far. */
export type ValueSide = Side | "run" | "files";
/** `value_of`, likewise. */
export interface Whole {
  shape: string;
  value: Json;
  words?: Part[];
  /** Of messages in their order, of files by their paths. */
  parts?: Part[][] | Record<string, Part[]>;
  unfit?: string;
  /** What the numbers in a text stand for. */
  sources?: Stored[];
  /** Characters, rows or items that were left out. */
  cut?: number;
}

export const askValues = (doc: Doc, node: string): Promise<Told | null> => get<Told>(doc.at("values"), { node });
export const askValue = (doc: Doc, node: string, side: ValueSide, port: string): Promise<Whole | null> =>
  get<Whole>(doc.at("value"), { node, side, port });

/** Where files of the last run are to be had as one archive. */
export const archiveAt = (doc: Doc, node: string, side: ValueSide, port: string): string =>
  `${doc.at("files")}&${new URLSearchParams({ node, side, port })}`;

/** What a node took and gave; asked again where `when` is another. */
export function useTold(doc: Doc, node: string, when: string): Told | null {
  const [told, setTold] = useState<Told | null>(null);
  useEffect(() => {
    let gone = false;
    void askValues(doc, node).then((found) => gone || setTold(found));
    return () => void (gone = true);
  }, [doc, node, when]);
  return told;
}
