// The inputs that a text in braces will give a node: drawn while it is typed, before Python has said so.

import { variablesIn } from "./large/fill";
import type { Json, Kind, NodeInstance, Port } from "./model";

/** The inputs that a node has under a text; until Python tells them, or another text is there. */
export interface Foreseen {
  text: string;
  inputs: Port[];
  /** When it was typed, in ms of the page's clock. */
  at: number;
}

const NAMED = /\{\{|\}\}|\{[A-Za-z_]\w*\}/g;
/** Python knows more names, and says what is wrong with the rest: there nothing is foreseen. */
const isPlain = (text: string): boolean => !/[{}]/.test(text.replace(NAMED, ""));

/** Every text in a param: itself, or the `text` of its rows. */
function textsIn(value: Json | undefined): string[] {
  if (typeof value === "string") return [value];
  if (!Array.isArray(value)) return [];
  return value.flatMap((row) =>
    typeof row === "object" && row && !Array.isArray(row) && typeof row.text === "string" ? [row.text] : [],
  );
}

/** The inputs under a new value of the param that the kind names; null where it does not say. */
export function foreseenInputs(kind: Kind, known: Port[], value: Json | undefined): Port[] | null {
  const { filled } = kind;
  const texts = textsIn(value);
  if (!filled || !texts.every(isPlain)) return null;
  const spec = kind.fields?.find((field) => field.name === filled.param);
  const usual = new Set(textsIn(spec?.default).flatMap(variablesIn));
  const own = new Set(kind.inputs.filter((port) => !usual.has(port.name)).map((port) => port.name));
  const fixed = known.filter((port) => own.has(port.name));
  const names = [...new Set(texts.flatMap(variablesIn))].filter((name) => !own.has(name));
  const made = names.map(
    (name): Port =>
      known.find((port) => port.name === name) ?? {
        ...filled.port,
        name,
        doc: filled.port.doc?.replace("{name}", `{${name}}`),
      },
  );
  const first = kind.inputs[0];
  return first && own.has(first.name) ? [...fixed, ...made] : [...made, ...fixed];
}

/** The value of the param in the node as it is kept. */
export const valueIn = (node: NodeInstance | undefined, kind: Kind): Json | undefined => {
  const name = kind.filled?.param ?? "";
  return node?.params?.[name] ?? kind.fields?.find((field) => field.name === name)?.default;
};
