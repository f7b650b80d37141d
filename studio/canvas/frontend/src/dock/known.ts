// What Python knows of a node beyond its declaration: asked when the node is looked at, and when the flow changed.

import { useCallback, useEffect, useState } from "react";
import { get } from "../ask";
import type { Part } from "../live/words";
import type { FieldSpec } from "../model";
import type { Doc } from "../store";
import type { Choice } from "./combo";

/** `known_of` in studio/inspector/known.py. */
export interface Known {
  facts?: [name: string, value: string][];
  choices?: Record<string, Choice[]>;
  notes?: Record<string, string>;
  askable?: string[];
  about?: Part[];
  policy?: FieldSpec[];
  memory?: string;
  file?: string;
  /** Asks again, where the studio did not answer. */
  again?: () => void;
}

const PAUSE_MS = 200;
const NOTHING: Known = {};

/** What is known of a node; of the flow where `node` is "". The old stands until the new is there. */
export function useKnown(doc: Doc, node: string): Known {
  const [found, setFound] = useState<{ node: string; known: Known }>({ node: "", known: NOTHING });
  const [failed, setFailed] = useState<string | null>(null);
  const [tries, setTries] = useState(0);
  const address = doc.at("node");
  useEffect(() => {
    let gone = false;
    const ask = async () => {
      const known = await get<Known>(address, { node });
      if (gone) return;
      if (known) setFound({ node, known });
      setFailed(!known && address ? node : null);
    };
    const timer = setTimeout(() => void ask(), found.node === node ? PAUSE_MS : 0);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [address, node, doc.revision, tries]);
  const known = found.node === node ? found.known : NOTHING;
  return failed === node ? { ...known, again: () => setTries(tries + 1) } : known;
}

interface Asked {
  choices?: string[];
  message?: string;
  fix?: string;
}

/** What servers said that params of a node can be; and how to ask one. */
export function useAsked(doc: Doc, node: string): [Record<string, Asked>, (param: string) => void] {
  const [said, setSaid] = useState<Record<string, Asked>>({});
  const address = doc.at("choices");
  const ask = useCallback(
    (param: string) => {
      setSaid((old) => ({ ...old, [param]: { ...old[param], message: "Asking …", fix: "" } }));
      void get<Asked>(address, { node, param }).then((answer) =>
        setSaid((old) => ({ ...old, [param]: answer ?? { message: "The studio does not answer." } })),
      );
    },
    [address, node],
  );
  return [said, ask];
}

const NO_CHOICES: Choice[] = [];
/** What a field offers: what a server told, else what Python knows. */
export const choicesOf = (here: Choice[] | undefined, told: string[] | undefined): Choice[] =>
  told ? told.map((name): Choice => [name, name]) : (here ?? NO_CHOICES);

/** What a server said of a param, in a line. */
export const saidOf = (asked: Asked | undefined): string => [asked?.message, asked?.fix].filter(Boolean).join(" ");
