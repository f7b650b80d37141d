// The way into flows that nodes run, and back out again.

interface Step {
  /** The flow that was left, by the name of its file, and by what it calls itself. */
  from: string;
  title: string;
  to: string;
}

const steps: Step[] = [];

/** The flow that the page shows, by the name of its file. */
export const shownFlow = (): string => new URLSearchParams(window.location.search).get("flow") ?? "";

export function goIn(title: string, to: string, from = shownFlow()): void {
  steps.push({ from, title: title || from, to });
}

/** Where the shown flow was come into from; undefined where it was opened in another way. */
export function cameFrom(now = shownFlow()): Step | undefined {
  const last = steps.at(-1);
  return last && last.to === now && last.from ? last : undefined;
}

export const goBack = (): Step | undefined => steps.pop();
