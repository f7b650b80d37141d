// A text that is being typed: at once in its field, a moment later in the flow.

import { useCallback, useEffect, useRef, useState } from "react";
import { useStable } from "../hooks/stable";

/** So long somebody rests who has typed a word: then Python is told. */
const PAUSE_MS = 100;

export interface Draft {
  text: string;
  type: (text: string) => void;
  /** Write what was typed now: the field is left. */
  settle: () => void;
}

/** What a field shows: what is typed in it; else what the flow holds. `write` gets each text once. */
export function useDraft(held: string, write: (text: string) => void): Draft {
  const [typed, setTyped] = useState<string | null>(null);
  const waiting = useRef<string | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const flush = useStable(() => {
    clearTimeout(timer.current);
    const text = waiting.current;
    waiting.current = null;
    if (text !== null) write(text);
  });
  const type = useCallback(
    (text: string) => {
      setTyped(text);
      waiting.current = text;
      clearTimeout(timer.current);
      timer.current = setTimeout(flush, PAUSE_MS);
    },
    [flush],
  );
  const settle = useStable(() => {
    flush();
    setTyped(null);
  });
  // What was changed elsewhere shows, unless somebody is at it here.
  useEffect(() => {
    if (waiting.current === null) setTyped((text) => (text === held ? text : null));
  }, [held]);
  useEffect(() => flush, [flush]);
  return { text: typed ?? held, type, settle };
}
