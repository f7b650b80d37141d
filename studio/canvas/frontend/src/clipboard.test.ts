import { expect, test } from "vitest";
import { apply } from "./apply";
import { copyText, parsePart, pasteOps } from "./clipboard";
import { type Flow, whole } from "./model";
import { WIDTH, drawNodes } from "./scene";
import { Doc } from "./store";

function open(flow: Partial<Flow>): Doc {
  const doc = new Doc("d");
  doc.flow = whole(flow);
  return doc;
}
const FLOW: Partial<Flow> = {
  nodes: [
    { id: "a", kind: "k" },
    { id: "b", kind: "k" },
  ],
  notes: [{ id: "n" }],
  edges: [{ from: "a.x", to: "b.y" }],
  layout: { a: { x: 0, y: 0 }, b: { x: 400, y: 0 }, n: { x: 0, y: 200, w: 208, h: 144 } },
};

/** Whether two things that are drawn lie on each other. */
function overlaps(doc: Doc): string[] {
  const boxes = drawNodes(doc, [], null).map((node) => ({
    ...{ id: node.id, ...node.position },
    ...{ w: node.width ?? WIDTH, h: node.height ?? node.initialHeight ?? 0 },
  }));
  return boxes.flatMap((a) =>
    boxes.flatMap((b) =>
      a.id < b.id && a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h
        ? [`${a.id} ${b.id}`]
        : [],
    ),
  );
}

test.each([
  ["beside where it was", null],
  ["over a node", { x: 120, y: 50 }],
  ["between two", { x: 320, y: 60 }],
])("what is pasted covers nothing: %s", (_where, at) => {
  const doc = open(FLOW);
  for (const ids of [["a"], ["a", "b", "n"], ["n"]]) {
    const part = parsePart(copyText(doc.flow, new Set(ids)))!;
    const made = pasteOps(doc.flow, part, at, drawNodes(doc, [], null));
    doc.flow = apply(doc.flow, made.op);
    expect(overlaps(doc)).toEqual([]);
    expect(doc.flow.layout[made.added[0]]).toMatchObject({ x: made.box!.x, y: made.box!.y });
  }
  expect(doc.flow.nodes).toHaveLength(5);
});

test("a part on free ground lies around the point", () => {
  const doc = open({});
  const made = pasteOps(doc.flow, whole(FLOW), { x: 1000, y: 1000 }, []);
  const { x, y, w, h } = made.box!;
  expect(Math.abs(x + w / 2 - 1000)).toBeLessThanOrEqual(8);
  expect(Math.abs(y + h / 2 - 1000)).toBeLessThanOrEqual(8);
});
