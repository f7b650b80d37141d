// A text in large: as Markdown where it is some, as it stands on demand; its citations lead to the sources beside it.

import { useLayoutEffect, useRef, useState } from "react";
import { wordsElement } from "../live/words";
import { linkCitations } from "./citations";
import { citedIn, citing } from "./cited";
import { type Cited, Documents } from "./documents";
import type { Whole } from "./values";

export function Text({ whole }: { whole: Whole }) {
  const text = String(whole.value);
  const [raw, setRaw] = useState(false);
  const { sources = [] } = whole;
  const { cited, cite } = useCited(whole);
  return (
    <div className={`pb-text ${sources.length ? "beside" : ""}`}>
      <div>
        <div className="pb-tree-head">
          <span>
            {text.length.toLocaleString("en-US")} characters, {text.split(/\s+/).filter(Boolean).length} words
          </span>
          {whole.words && (
            <label>
              <input type="checkbox" checked={raw} onChange={(event) => setRaw(event.target.checked)} /> as it stands
            </label>
          )}
          <button type="button" className="pb-add" onClick={() => void navigator.clipboard?.writeText(text)}>
            Copy
          </button>
        </div>
        {whole.cut ? <p className="pb-note-line">{whole.cut.toLocaleString("en-US")} more are not shown.</p> : null}
        <Written text={text} whole={whole} raw={raw} cite={cite} most={sources.length} />
      </div>
      {sources.length > 0 && <Documents documents={sources} cited={cited} />}
    </div>
  );
}

/** Which source a number in a text leads to, and what leads there; nothing where it rests on none. */
export function useCited(whole: Whole): { cited: Cited | null; cite?: (number: number, at: number) => void } {
  const [cited, setCited] = useState<Cited | null>(null);
  const { sources } = whole;
  const cite = (number: number, at: number) => {
    const source = sources?.[number - 1];
    if (source) setCited({ number, place: citedIn(source.text ?? "", citing(String(whole.value), at)) });
  };
  return { cited, cite: sources?.length ? cite : undefined };
}

interface WrittenProps {
  text: string;
  whole: Whole;
  raw: boolean;
  cite?: (number: number, at: number) => void;
  /** The highest number that stands for something. */
  most?: number;
}

export function Written({ text, whole, raw, cite, most }: WrittenProps) {
  const box = useRef<HTMLDivElement>(null);
  const now = useRef(cite);
  now.current = cite;
  const cites = !!cite;
  useLayoutEffect(() => {
    if (!box.current) return;
    const words = whole.words && !raw ? wordsElement(whole.words) : plain(text);
    if (cites) linkCitations(words, text, (number, at) => now.current?.(number, at), most);
    box.current.replaceChildren(words);
  }, [text, whole, raw, cites, most]);
  return <div className="pb-written" ref={box} />;
}

function plain(text: string): HTMLElement {
  const made = document.createElement("pre");
  made.textContent = text;
  return made;
}
