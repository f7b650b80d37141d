// What a screen reader hears of a run: which nodes begin, are done or failed. Never a flood: of many at once, how many.

import type { NodeState, State } from "./progress";

/** Nodes that are named in one sentence; of more it is said how many. */
const NAMED = 3;

const WORDS: Partial<Record<State, [one: string, many: string]>> = {
  failed: ["failed", "failed"],
  asking: ["asks a person", "ask a person"],
  done: ["is done", "are done"],
  cached: ["is done", "are done"],
  cancelled: ["was stopped", "were stopped"],
  running: ["begins", "begin"],
};
type Seen = ReadonlyMap<string, State | undefined>;

/** The states of the nodes of the flow itself; not of those within a flow that one of them runs. */
export const statesOf = (nodes: ReadonlyMap<string, NodeState>): Seen =>
  new Map([...nodes].filter(([id]) => !id.includes("/")).map(([id, node]) => [id, node.status]));

/** What has changed between two looks, in sentences; "" where nothing is worth saying. */
export function announced(before: Seen, now: Seen, titleOf: (id: string) => string): string {
  const changed = new Map<string, string[]>();
  for (const [id, state] of now) {
    const words = state && before.get(id) !== state ? WORDS[state] : undefined;
    // A node that waits for its turn in between begins once.
    if (!words || (state === "running" && before.get(id) === "waiting")) continue;
    changed.set(words[0], [...(changed.get(words[0]) ?? []), titleOf(id)]);
  }
  const told = Object.values(WORDS).map(([one]) => one);
  return [...new Set(told)]
    .flatMap((one) => (changed.has(one) ? [sentence(changed.get(one) as string[], one)] : []))
    .join(" ");
}

function sentence(titles: string[], one: string): string {
  const many = Object.values(WORDS).find((words) => words[0] === one)?.[1];
  if (titles.length === 1) return `${titles[0]} ${one}.`;
  if (titles.length > NAMED) return `${titles.length} nodes ${many}.`;
  return `${titles.slice(0, -1).join(", ")} and ${titles.at(-1)} ${many}.`;
}
