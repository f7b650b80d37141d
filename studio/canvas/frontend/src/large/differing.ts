// Two texts as the parts of one: what both have, what went, what came.

import { diffLines, diffWordsWithSpace } from "diff";

export interface TextPart {
  value: string;
  is: "same" | "gone" | "come";
}

/** Above so many characters lines are compared, not words: in time that people wait. */
const WORDS = 20_000;

export function partsOf(before: string, after: string): TextPart[] {
  const parts = before.length + after.length < WORDS ? diffWordsWithSpace(before, after) : diffLines(before, after);
  return parts.map(({ value, added, removed }) => ({
    value,
    is: added ? "come" : removed ? "gone" : "same",
  }));
}
