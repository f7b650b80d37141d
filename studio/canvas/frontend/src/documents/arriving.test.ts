import { beforeEach, expect, test } from "vitest";
import { type Kind, whole } from "../model";
import { Doc, catalog, docOf } from "../store";
import { arrived, arrivingFor } from "./arriving";
import type { Received } from "./intake";

const LOAD: Kind = {
  kind: "retrieval.load", version: 1, title: "Load documents", family: "Test", icon: "", inputs: [],
  outputs: [{ name: "documents", types: ["list[Document]"] }],
}; // prettier-ignore
const PAPER: Received = { state: "new", path: "documents/ask/a.pdf", kind: "retrieval.load" };

beforeEach(() => catalog.byKind.set(LOAD.kind, LOAD));

test("documents that arrive while another page is open have their node, where nothing lies", () => {
  const doc = new Doc("left");
  doc.flow = whole({ nodes: [{ id: "n", kind: "k" }], layout: { n: { x: 32, y: 64 } } });
  arrived(doc, [PAPER], { x: 9, y: 9 });
  const made = doc.flow.nodes[1];
  expect(made.params).toEqual({ path: PAPER.path });
  expect(doc.flow.layout[made.id].y).toBeGreaterThan(400);
});

test("an empty flow gets it too, and nothing that arrived makes nothing", () => {
  const doc = new Doc("empty");
  arrived(doc, [], null);
  expect(doc.flow.nodes).toEqual([]);
  arrived(doc, [PAPER], null);
  expect(doc.flow.nodes).toHaveLength(1);
});

test("the canvas that is there puts them where they were let go", () => {
  const doc = new Doc("open");
  const got: unknown[] = [];
  arrivingFor(doc).canvas = { current: { bring: (...all) => void got.push(all) } };
  arrived(doc, [PAPER], { x: 9, y: 8 });
  expect(got).toEqual([[[PAPER], { x: 9, y: 8 }]]);
  expect(doc.flow.nodes).toEqual([]);
});

test("a flow that is opened again has the same documents on their way, so that it asks again", () => {
  expect(arrivingFor(docOf("again")).intake).toBe(arrivingFor(docOf("again")).intake);
  expect(arrivingFor(docOf("other")).intake).not.toBe(arrivingFor(docOf("again")).intake);
});
