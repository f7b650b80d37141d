import { expect, test } from "vitest";
import { foreseenInputs } from "./foreseen";
import { type Data, Doc, learnCatalog } from "./store";
import type { FieldSpec, Kind, Port } from "./model";
import { portsOf } from "./types";

const some: Port = { name: "x", types: ["text"], required: true, doc: "What {name} stands for." };
const port = (name: string): Port => ({ ...some, name, doc: `What {${name}} stands for.` });
const kind = (inputs: Port[], standard: string): Kind => ({
  kind: "t",
  version: 1,
  title: "Template",
  family: "Prompts",
  icon: "t",
  inputs,
  outputs: [],
  fields: [{ name: "template", label: "Template", shape: "textarea", default: standard } as FieldSpec],
  filled: { param: "template", port: some },
});
const plain = kind([port("question")], "Answer {question}");
const names = (ports: Port[] | null) => ports?.map((one) => one.name) ?? null;

test("each variable becomes an input, in the order of the text; what is known keeps its port", () => {
  const known = [port("question")];
  const found = foreseenInputs(plain, known, "{style}: {question} {style}");
  expect(found).toEqual([port("style"), port("question")]);
  expect(found?.[1]).toBe(known[0]);
  expect(names(foreseenInputs(plain, known, "none {{x}}"))).toEqual([]);
});

test("what is no template yet is left to Python", () => {
  for (const text of ["{sty", "a } b", "{ space }", "{1}", "{größe}"])
    expect(foreseenInputs(plain, [], text)).toBe(null);
});

test("inputs that do not come of the text stay, on their side", () => {
  const agent: Port = { name: "agent", types: ["agent"] };
  const task = kind([agent], "Do it.");
  expect(names(foreseenInputs(task, [agent, port("old")], "With {new}"))).toEqual(["agent", "new"]);
  const chat = kind([port("question"), agent], "{question}");
  expect(names(foreseenInputs(chat, [port("question"), agent], "{a} {agent}"))).toEqual(["a", "agent"]);
});

test("a port is there with the key that closes its brace, and gives way to what Python says", () => {
  learnCatalog({ catalog: [plain], catalog_digest: "foreseen" } as unknown as Data);
  const doc = new Doc("d");
  const node = { id: "p", kind: "t", params: { template: "Say {a}" } };
  const told = { doc: "d", ack: 0, undo: [0, 0] as [number, number], setup: { digest: "s", client: "c" } };
  doc.update({ ...told, rev: 1, snap: { nodes: [node] }, views: { p: { inputs: [port("a")] } } });
  const now = () => names(portsOf(doc, doc.flow.nodes[0]).inputs);
  doc.foresee("p", "template", "Say {a} {b");
  expect(now()).toEqual(["a"]);
  doc.foresee("p", "template", "Say {a} {b}");
  expect(now()).toEqual(["a", "b"]);
  doc.dispatch({ op: "set_params", node: "p", params: { template: "Say {a} {b}" } });
  expect(now()).toEqual(["a", "b"]);
  doc.update({ ...told, rev: 2, ack: 1, base: 1, ops: [{ r: 2, s: 1 }], views: { p: { inputs: [port("b")] } } });
  expect(now()).toEqual(["b"]); // what Python says counts
});
