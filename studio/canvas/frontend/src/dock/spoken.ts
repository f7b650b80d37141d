// How a problem is said: titles in place of ids, and a quiet tone before anybody has tried to run the flow.

import type { Flow, Problem } from "../model";
import type { Doc } from "../store";
import { titleOf } from "../types";

/** Ids of nodes and their ports, as a message names them, in the words that stand on the canvas. */
export function spoken(message: string, flow: Flow): string {
  const titles = new Map(flow.nodes.map((node) => [node.id, titleOf(node)]));
  const ends = /"?\b([a-z][a-z0-9-]*)\.([A-Za-z_][\w-]*)"?(?: \(([^()]*)\))?/g;
  const named = (all: string, id: string, port: string, more?: string): string => {
    const title = titles.get(id);
    const rest = more === undefined || more === title ? "" : ` (${more})`;
    return title === undefined ? all : `“${title}” (${port})${rest}`;
  };
  return message
    .replace(ends, named)
    .replace(/\b[a-z][a-z0-9-]*(?: → [a-z][a-z0-9-]*)+/g, (chain) =>
      chain
        .split(" → ")
        .map((id) => (titles.has(id) ? `“${titles.get(id)}”` : id))
        .join(" → "),
    )
    .replace(/"([^"]+)" \(([a-z][a-z0-9-]*)\)/g, (all, title: string, id: string) =>
      titles.get(id) === title ? `“${title}”` : all,
    )
    .replace(QUOTED, (all, id: string) => (titles.has(id) ? `“${titles.get(id)}”` : all));
}

/** A quoted word that may be the id of a node; after one of these words it is something else of that name. */
const QUOTED =
  /(?<!\b(?:flow|inputs?|outputs?|note|group|variable|param|port|tool|agent|file|folder|called) )"([a-z][a-z0-9-]*)"/g;

/** What every flow lacks while it is being drawn is no fault before somebody tries to run it. */
const UNFINISHED = new Set(["wiring/required", "structure/no-output", "structure/unreachable"]);
export type Tone = "error" | "warning" | "todo";

/** Nothing is red before the first try. */
export function toneOf(problem: Problem, tried: boolean): Tone {
  if (!tried && (problem.severity === "error" || UNFINISHED.has(problem.code))) return "todo";
  return problem.severity;
}

/** The tone of the worst of them. */
export function worstOf(problems: Problem[], tried: boolean): Tone {
  const tones = new Set(problems.map((problem) => toneOf(problem, tried)));
  return tones.has("error") ? "error" : tones.has("warning") ? "warning" : "todo";
}

/** The word for a tone: what was never begun is still to do, what was begun wrong is to be corrected. */
export function wordFor(problem: Problem, tone: Tone): string {
  if (tone !== "todo") return tone;
  return UNFINISHED.has(problem.code) ? "still to do" : "to correct";
}

/** The tone of all that is wrong with a flow. */
export const toneOfAll = (doc: Doc): Tone => worstOf(Object.values(doc.problems).flat(), doc.tried);
