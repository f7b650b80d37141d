// What a tab keeps over a reload, where the browser lets it.

const held = new Map<string, string>();

/** What is kept under a key, "" where nothing is; with a value it is kept first. */
export function kept(key: string, value?: string): string {
  if (value !== undefined) held.set(key, value);
  try {
    if (value !== undefined) sessionStorage.setItem(key, value);
    return sessionStorage.getItem(key) ?? "";
  } catch {
    return held.get(key) ?? "";
  }
}
