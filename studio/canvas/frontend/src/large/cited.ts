// Which place of a source an answer speaks of: the sentence that shares most words with the one that cites it.

const WORD = /[\p{L}\p{N}]{3,}/gu;
const wordsOf = (text: string): Set<string> => new Set(text.toLowerCase().match(WORD) ?? []);

/** The sentence of an answer in which `[number]` stands at an offset. */
export function citing(text: string, at: number): string {
  const before = text.slice(0, at);
  const start = Math.max(...[". ", "! ", "? ", "\n"].map((end) => before.trimEnd().lastIndexOf(end)), -1);
  return before.slice(start + 1).trim() || text.slice(at).split(/(?<=[.!?])\s/)[0];
}

/** Where the cited place lies in a source, as [from, to); null where nothing is shared. */
export function citedIn(source: string, sentence: string): [from: number, to: number] | null {
  const wanted = wordsOf(sentence);
  if (!wanted.size) return null;
  let best: [number, number] | null = null;
  let most = 0;
  for (const found of source.matchAll(/[^.!?\n]+[.!?]*/g)) {
    const shared = [...wordsOf(found[0])].filter((word) => wanted.has(word)).length;
    if (shared > most) {
      most = shared;
      const lead = found[0].length - found[0].trimStart().length;
      best = [found.index + lead, found.index + found[0].trimEnd().length];
    }
  }
  return best;
}
