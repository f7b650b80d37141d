// What a step of a run is called, by the rule of `called` in flows/checks/inside.py.

/** The words on the way to a step: `each/2/ask` is "For each", "item 3", "Ask". Titles are by path, without numbers. */
export function calledPath(path: string, titles: ReadonlyMap<string, string>): string[] {
  let known = "";
  return path.split("/").map((part) => {
    const at = known ? `${known}/${part}` : part;
    const title = titles.get(at);
    if (title !== undefined) {
      known = at;
      return title;
    }
    return known && /^\d+$/.test(part) ? `item ${Number(part) + 1}` : part;
  });
}

/** Paths as they are listed: item 2 before item 10. */
export const byPath = (a: string, b: string): number => a.localeCompare(b, "en", { numeric: true });
