// The flow as the server tells it: what has its default is left out.

export type Place = { x: number; y: number; w?: number; h?: number };
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface NodeInstance {
  id: string;
  kind: string;
  version?: number;
  title?: string | null;
  disabled?: boolean;
  params?: Record<string, Json>;
  run?: Record<string, Json>;
}
export interface Edge {
  from: string;
  to: string;
}
export type NoteColor = "yellow" | "blue" | "green" | "pink" | "gray";
export interface Note {
  id: string;
  text?: string;
  color?: NoteColor;
}
export interface Group {
  id: string;
  title?: string;
  nodes?: string[];
  folded?: boolean;
}

export interface Variable {
  name: string;
  value?: Json;
  environments?: Record<string, Json>;
}

export interface Flow {
  name?: string;
  description?: string;
  variables?: Variable[];
  nodes: NodeInstance[];
  edges: Edge[];
  notes: Note[];
  groups: Group[];
  layout: Record<string, Place>;
}

export interface Slot<T> {
  key: string;
  index?: number;
  value?: T;
}

export type Op =
  | { op: "add_node"; node: NodeInstance; at?: Place }
  | { op: "remove"; nodes?: string[]; edges?: Edge[]; notes?: string[]; groups?: string[] }
  | { op: "connect"; from: string; to: string; replace?: boolean }
  | { op: "disconnect"; from: string; to: string }
  | { op: "replug"; old: Edge; new: Edge; replace?: boolean }
  | { op: "set_params"; node: string; params?: Record<string, Json>; unset?: string[] }
  | { op: "rename"; node: string; title?: string | null }
  | { op: "set_id"; node: string; id: string }
  | { op: "set_run"; node: string; run: Record<string, Json> }
  | { op: "disable"; nodes: string[]; disabled?: boolean }
  | { op: "move"; places: Record<string, Place> }
  | { op: "add_note"; note: Note; at?: Place }
  | { op: "edit_note"; note: string; text?: string; color?: NoteColor }
  | { op: "group"; group: Group; at?: Place }
  | { op: "edit_group"; group: string; title?: string; folded?: boolean; nodes?: string[] }
  | { op: "set_meta"; name?: string; description?: string; variables?: Variable[] }
  | { op: "replace"; flow: Partial<Flow> }
  | {
      op: "patch";
      name?: string;
      description?: string;
      variables?: Variable[];
      nodes?: Slot<NodeInstance>[];
      edges?: Slot<Edge>[];
      notes?: Slot<Note>[];
      groups?: Slot<Group>[];
      layout?: Record<string, Place | null>;
    }
  | { op: "batch"; ops: Op[]; label?: string }
  | { op: "undo" }
  | { op: "redo" };

export interface Port {
  name: string;
  types: string[];
  many?: boolean;
  required?: boolean;
  doc?: string;
}
/** A part of a JSON Schema, as far as cells of a table need it. */
export interface Schema {
  type?: string;
  enum?: Json[];
  items?: Schema;
  default?: Json;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  description?: string;
  optional?: boolean;
}
/** The words of `Shape` in studio/inspector/declared.py. */
export type Shape =
  | "text"
  | "textarea"
  | "code"
  | "integer"
  | "number"
  | "slider"
  | "choice"
  | "switch"
  | "list"
  | "table"
  | "mapping"
  | "json"
  | "secret"
  | "file"
  | "folder"
  | "model"
  | "adapter"
  | "flow";
/** One param of a kind, and which widget draws it. */
export interface FieldSpec {
  name: string;
  label: string;
  doc?: string;
  shape: Shape;
  default?: Json;
  required?: boolean;
  nullable?: boolean;
  minimum?: number;
  maximum?: number;
  max_length?: number;
  choices?: Json[];
  columns?: Record<string, Schema>;
  unknown?: string;
  /** What choices are called, where it is not by their values. */
  words?: Record<string, string>;
}
export interface Kind {
  kind: string;
  version: number;
  title: string;
  family: string;
  icon: string;
  doc?: string;
  /** Other words by which people look for it. */
  synonyms?: string[];
  summary?: string;
  install?: string;
  inputs: Port[];
  outputs: Port[];
  fields?: FieldSpec[];
  /** The params that matter most, at most three: they can be edited on the node. */
  front?: string[];
  /** The param whose {variables} become inputs, and what such an input is like. */
  filled?: { param: string; port: Port };
  /** The param that says what a node is called until a person gives it a title. */
  named_by?: string;
  /** By output: what most often takes it in the flows that ship, as kind and input; the most frequent first. */
  next?: Record<string, [kind: string, port: string][]>;
}
/** What Python says of a node beyond its kind's defaults. */
export interface View {
  inputs?: Port[];
  outputs?: Port[];
  summary?: string;
  unknown?: boolean;
  broken?: boolean;
}
export interface Problem {
  code: string;
  message: string;
  severity: "error" | "warning";
  fix?: string;
  port?: string;
  param?: string;
}
export const nodeOf = (end: string): string => end.slice(0, end.indexOf("."));
export const portOf = (end: string): string => end.slice(end.indexOf(".") + 1);
export const edgeKey = (edge: Edge): string => `${edge.from}>${edge.to}`;

export function whole(flow: Partial<Flow>): Flow {
  return {
    ...flow,
    nodes: flow.nodes ?? [],
    edges: flow.edges ?? [],
    notes: flow.notes ?? [],
    groups: flow.groups ?? [],
    layout: flow.layout ?? {},
  };
}

export function ids(flow: Flow): Set<string> {
  return new Set([...flow.nodes, ...flow.notes, ...flow.groups].map((item) => item.id));
}

/** `prompt`, then `prompt-2`; the same words as flows/document/edit.py. */
export function freshId(words: string, taken: Set<string>): string {
  let base = words
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 40)
    .replace(/-+$/, "");
  base ||= "node";
  if (!/^[a-z]/.test(base)) base = `n-${base}`;
  let candidate = base;
  for (let number = 2; taken.has(candidate); number++) candidate = `${base}-${number}`;
  return candidate;
}
