// What people type, among things that have a title, synonyms and words about them.

export interface Findable {
  title: string;
  words?: string[];
  about: string;
}

/** How well a thing fits: 0 best; undefined where a typed word is nowhere in it. */
export function rank(thing: Findable, wanted: string): number | undefined {
  const title = thing.title.toLowerCase();
  const words = (thing.words ?? []).flatMap((word) => [word, word.replaceAll(" ", "")]).join("\n"); // `websearch` too
  const all = `${title}\n${words}\n${thing.about.toLowerCase()}`;
  if (!wanted.split(/\s+/).every((word) => all.includes(word))) return undefined;
  if (title.startsWith(wanted)) return 0;
  if (thing.words?.includes(wanted)) return 1;
  if (title.includes(wanted)) return 2;
  return words.includes(wanted) ? 3 : 4;
}

/** The things that fit, the best first; in their own order where they fit alike. All for nothing. */
export function found<T>(things: T[], query: string, of: (thing: T) => Findable): T[] {
  const wanted = query.trim().toLowerCase();
  if (!wanted) return things;
  return things
    .map((thing) => ({ thing, at: rank(of(thing), wanted) }))
    .filter((hit): hit is { thing: T; at: number } => hit.at !== undefined)
    .sort((a, b) => a.at - b.at)
    .map((hit) => hit.thing);
}
