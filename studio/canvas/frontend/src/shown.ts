// Which revision of a flow the canvas on this page shows, for the other scripts on it (live/main.ts): news of it is none.

declare global {
  interface Window {
    __patchbayShown?: Map<string, number>;
    __patchbayWaits?: Set<string>;
  }
}

export function show(doc: string, revision: number): void {
  const shown = (window.__patchbayShown ??= new Map<string, number>());
  shown.set(doc, Math.max(shown.get(doc) ?? 0, revision));
}

export function shownRevision(doc: string): number {
  return window.__patchbayShown?.get(doc) ?? 0;
}

/** Whether the canvas waits for Python's answer to an edit: then what is new comes to it anyway. */
export function waits(doc: string, now: boolean): void {
  const waiting = (window.__patchbayWaits ??= new Set<string>());
  if (now) waiting.add(doc);
  else waiting.delete(doc);
}

export const isWaiting = (doc: string): boolean => !!window.__patchbayWaits?.has(doc);
