// How a param is kept: what a field writes, and what stands in it.

import type { FieldSpec, Json, Op } from "../model";
import type { Doc } from "../store";
import { sameJson } from "./values";

/** A value as a field of text shows it. */
export const textOf = (value: Json | undefined): string =>
  typeof value === "string" ? value : value === null || value === undefined ? "" : JSON.stringify(value);

/** What a typed text means: nothing, where it was emptied and nothing is allowed. */
export const typedInto = (spec: FieldSpec | undefined, text: string): Json => (spec?.nullable && !text ? null : text);

/** What the field of a param shows: its own value, else the default. */
export const valueOf = (params: Record<string, Json> | undefined, spec: FieldSpec): Json | undefined =>
  params && spec.name in params ? params[spec.name] : spec.default;

/** The edit that keeps a value; the default is not kept. */
export function keeping(node: string, spec: FieldSpec, value: Json): Op {
  const unset = !spec.required && sameJson(value, spec.default ?? null);
  return { op: "set_params", node, ...(unset ? { unset: [spec.name] } : { params: { [spec.name]: value } }) };
}

/** Keep a value; what is typed into one param in a row is one step of undo. */
export const keep = (doc: Doc, node: string, spec: FieldSpec, value: Json): void =>
  void doc.dispatch(keeping(node, spec, value), `params ${node} ${spec.name}`);
