import { beforeEach, expect, test } from "vitest";
import { bestNext, besideWire } from "./edits";
import { apply } from "./apply";
import { Kind, whole } from "./model";
import { freeBeside } from "./scene";
import { starterOp } from "./starter";
import { Doc, learnCatalog } from "./store";

const port = (name: string, types: string[], more = {}) => ({ name, types, ...more });
const kinds: Kind[] = [
  kind("io.input", [], [port("value", ["text"])], {
    next: {
      value: [
        ["prompt.template", "gone"],
        ["model.ask", "prompt"],
      ],
    },
  }),
  kind("prompt.template", [port("question", ["text", "number"])], [port("text", ["text"])]),
  kind("model.gguf", [], [port("model", ["chat model"])]),
  kind(
    "model.ask",
    [
      port("model", ["chat model"], { required: true }),
      port("prompt", ["text"], { required: true }),
      port("system", ["text"]),
    ],
    [port("text", ["text"])],
  ),
  kind("io.output", [port("value", ["any"])], []),
];
function kind(name: string, inputs: Kind["inputs"], outputs: Kind["outputs"], more: Partial<Kind> = {}): Kind {
  return { kind: name, version: 1, title: name, family: "f", icon: "", inputs, outputs, ...more };
}
const known = (name: string): Kind => kinds.find((one) => one.kind === name)!;
function open(...nodes: [id: string, kind: string][]): Doc {
  const doc = new Doc("d");
  doc.flow = whole({ nodes: nodes.map(([id, kind]) => ({ id, kind })) });
  return doc;
}

beforeEach(() => learnCatalog({ catalog_digest: "t", catalog: kinds } as never));

test("a node that is added beside another is wired where one wire can be meant", () => {
  const doc = open(["a", "io.input"]);
  expect(besideWire(doc, "a", known("prompt.template"), "p")?.edge).toEqual({ from: "a.value", to: "p.question" });
  // Of two texts the one that is needed.
  expect(besideWire(doc, "a", known("model.ask"), "m")?.edge).toEqual({ from: "a.value", to: "m.prompt" });
});

test("what only gives goes to the left, into an input that is free", () => {
  const doc = open(["m", "model.ask"]);
  const wire = besideWire(doc, "m", known("model.gguf"), "g");
  expect(wire).toEqual({ edge: { from: "g.model", to: "m.model" }, side: "left" });
  doc.flow = { ...doc.flow, edges: [{ from: "x.model", to: "m.model" }] };
  expect(besideWire(doc, "m", known("model.gguf"), "g")).toBeNull();
});

test("what most often follows is taken where it is here", () => {
  const doc = open(["a", "io.input"]);
  const best = bestNext(doc, { node: "a", port: "value", side: "out" });
  expect([best?.kind.kind, best?.port]).toEqual(["model.ask", "prompt"]);
  expect(bestNext(doc, { node: "a", port: "other", side: "out" })).toBeUndefined();
});

test("a new node lies free beside another, in its column", () => {
  const at = (id: string, x: number, y: number) => ({
    id,
    type: "box",
    position: { x, y },
    data: {},
    width: 240,
    height: 110,
  });
  const first = at("a", 0, 0);
  const spot = freeBeside([first], first);
  expect(spot).toEqual({ x: 336, y: 0 });
  const next = freeBeside([first, at("b", 336, 0)], first);
  expect(next.x).toBe(336);
  expect(Math.abs(next.y)).toBeGreaterThanOrEqual(110);
  expect(freeBeside([first], first, "left").x).toBe(-336);
});

test("the five to start with are one edit whose wires all fit", () => {
  const made = starterOp(new Map(kinds.map((one) => [one.kind, one])), new Set(["prompt"]))!;
  const flow = apply(whole({}), made.op);
  expect(flow.nodes.map((n) => n.id)).toEqual(["question", "prompt-2", "model", "ask", "answer"]);
  expect(flow.edges).toHaveLength(4);
  expect(starterOp(new Map(), new Set())).toBeNull();
});
