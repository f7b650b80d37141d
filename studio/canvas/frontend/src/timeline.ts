// The moments of a past run: where its nodes were at each of them.

import { type NodeState, Progress, newsIn } from "./progress";

/** News of a node, and when: seconds after the run began. */
export interface Moment {
  t: number;
  [said: string]: unknown;
}

/** The states of the nodes at a time. */
export function statesAt(moments: Moment[], time: number): Record<string, NodeState> {
  const progress = new Progress();
  for (const moment of moments) {
    if (moment.t > time + 1e-9) break;
    for (const news of newsIn(moment)) progress.take(news);
  }
  return Object.fromEntries(progress.nodes);
}

/** When it was over. */
export const endOf = (moments: Moment[]): number => moments.at(-1)?.t ?? 0;

/** The next moment at which something changed, or the one before (`by` is -1); the end, and the beginning. */
export function stepFrom(moments: Moment[], time: number, by: 1 | -1): number {
  const times = [...new Set(moments.map(({ t }) => t))];
  if (by > 0) return times.find((t) => t > time + 1e-9) ?? endOf(moments);
  return times.filter((t) => t < time - 1e-9).at(-1) ?? 0;
}
