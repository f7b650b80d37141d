// A text in large: as Markdown where it is some, as it stands on demand; its citations lead to the sources beside it.

import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { useShared } from "../context";
import { wordsElement } from "../live/words";
import type { Side } from "../types";
import { linkCitations } from "./citations";
import { citedIn, citing } from "./cited";
import { type Cited, Documents, type Stored } from "./documents";
import { type Told, type Whole, askValue } from "./values";

export function Text({ whole, node, told }: { whole: Whole; node: string; told: Told | null }) {
  const text = String(whole.value);
  const [raw, setRaw] = useState(false);
  const [cited, setCited] = useState<Cited | null>(null);
  const sources = useSources(node, told, text);
  const cite = (number: number, at: number) => {
    const source = sources[number - 1];
    if (source) setCited({ number, place: citedIn(source.text ?? "", citing(text, at)) });
  };
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
        <Written text={text} whole={whole} raw={raw} cite={sources.length ? cite : undefined} />
      </div>
      {sources.length > 0 && <Documents documents={sources} cited={cited} />}
    </div>
  );
}

/** The documents that an answer's numbers mean: what the node gave beside it, else what it took. */
function useSources(node: string, told: Told | null, text: string): Stored[] {
  const { doc } = useShared();
  const [sources, setSources] = useState<Stored[]>([]);
  const cites = /\[\d{1,3}\]/.test(text);
  useEffect(() => {
    const found = cites && told ? documentsOf(told) : null;
    let gone = false;
    if (found)
      void askValue(doc, node, ...found).then(
        (whole) => gone || setSources((whole?.value ?? []) as unknown as Stored[]),
      );
    return () => void (gone = true);
  }, [doc, node, told, cites]);
  return sources;
}

function documentsOf(told: Told): [Side, string] | null {
  for (const side of ["out", "in"] as const)
    for (const [port, { shape }] of Object.entries(told[side])) if (shape === "documents") return [side, port];
  return null;
}

interface WrittenProps {
  text: string;
  whole: Whole;
  raw: boolean;
  cite?: (number: number, at: number) => void;
}

export function Written({ text, whole, raw, cite }: WrittenProps) {
  const box = useRef<HTMLDivElement>(null);
  const now = useRef(cite);
  now.current = cite;
  const cites = !!cite;
  useLayoutEffect(() => {
    if (!box.current) return;
    const words = whole.words && !raw ? wordsElement(whole.words) : plain(text);
    if (cites) linkCitations(words, text, (number, at) => now.current?.(number, at));
    box.current.replaceChildren(words);
  }, [text, whole, raw, cites]);
  return <div className="pb-written" ref={box} />;
}

function plain(text: string): HTMLElement {
  const made = document.createElement("pre");
  made.textContent = text;
  return made;
}
