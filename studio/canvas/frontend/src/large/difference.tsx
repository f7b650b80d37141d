// Two texts as one, with what was taken out and what was put in. A file of its own.

import { diffLines, diffWordsWithSpace } from "diff";
import { useMemo } from "react";

/** Above so many characters lines are compared, not words: in time that people wait. */
const WORDS = 20_000;

export function Difference({ before, after }: { before: string; after: string }) {
  const parts = useMemo(
    () => (before.length + after.length < WORDS ? diffWordsWithSpace(before, after) : diffLines(before, after)),
    [before, after],
  );
  if (before === after) return <p className="pb-good">The two are the same.</p>;
  return (
    <pre className="pb-difference">
      {parts.map((part, i) =>
        part.added ? (
          <ins key={i}>{part.value}</ins>
        ) : part.removed ? (
          <del key={i}>{part.value}</del>
        ) : (
          <span key={i}>{part.value}</span>
        ),
      )}
    </pre>
  );
}
