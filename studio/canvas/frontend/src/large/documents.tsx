// Documents as cards: where each comes from, how well it matched, and its text, with the cited place marked.

import { fileName, scoreWords } from "../found";
import { useEffect, useRef } from "react";
import type { Json } from "../model";

export interface Stored {
  /** Where it is not its place among the others. */
  number?: number;
  text?: string;
  score?: number | null;
  metadata?: Record<string, Json>;
}
/** The card that is pointed at, and the place in it. */
export interface Cited {
  number: number;
  place: [from: number, to: number] | null;
}

export function Documents({ documents, cited }: { documents: Stored[]; cited?: Cited | null }) {
  return (
    <ol className="pb-cards" aria-label="Sources">
      {documents.map((document, i) => (
        <Card
          key={i}
          number={document.number ?? i + 1}
          document={document}
          cited={cited?.number === i + 1 ? cited : undefined}
        />
      ))}
    </ol>
  );
}

function Card({ number, document, cited }: { number: number; document: Stored; cited?: Cited }) {
  const box = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (cited) (box.current?.querySelector("mark") ?? box.current)?.scrollIntoView({ block: "center" });
  }, [cited]);
  const { text = "", score, metadata = {} } = document;
  const source = String(metadata.source ?? "");
  const others = Object.entries(metadata).filter(([name]) => !["source", "page"].includes(name));
  const [from, to] = cited?.place ?? [0, 0];
  return (
    <li ref={box} className={`pb-card ${cited ? "cited" : ""}`} tabIndex={-1}>
      <header>
        <span className="number">{number}</span>
        {source && <b title={source}>{fileName(source)}</b>}
        {metadata.page !== undefined && <span>page {String(metadata.page)}</span>}
        {typeof score === "number" && <span className="score">{scoreWords(score)}</span>}
      </header>
      {others.length > 0 && (
        <p className="pb-note-line">{others.map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join(", ")}</p>
      )}
      <p className="text">
        {text.slice(0, from)}
        {to > from && <mark>{text.slice(from, to)}</mark>}
        {text.slice(to)}
      </p>
    </li>
  );
}
