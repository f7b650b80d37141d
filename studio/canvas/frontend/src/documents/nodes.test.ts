import { beforeEach, expect, test } from "vitest";
import { apply } from "../apply";
import { type Flow, type Kind, whole } from "../model";
import { Doc, catalog } from "../store";
import type { Received } from "./intake";
import { bringing, common } from "./nodes";

const documents = { name: "documents", types: ["list[Document]"] };
const kind = (name: string, inputs: Kind["inputs"], outputs: Kind["outputs"]): Kind => ({
  kind: name, version: 1, title: name, family: "Test", icon: "", inputs, outputs,
}); // prettier-ignore
const KINDS = [
  kind("retrieval.load", [], [documents]),
  kind("io.picture", [], [{ name: "picture", types: ["Picture"] }]),
  kind("split", [documents], [documents]),
];
const doc = (path: string): Received => ({ state: "new", path, kind: "retrieval.load" });
const picture = (path: string): Received => ({ state: "new", path, kind: "io.picture" });
const AT = { x: 0, y: 0 };

function open(flow: Partial<Flow> = {}): Doc {
  const made = new Doc("d");
  made.flow = whole(flow);
  return made;
}
/** The flow after documents have been brought. */
function after(flow: Doc, received: Received[], onto?: string): Flow {
  const { op } = bringing(flow, received, AT, onto);
  return op ? apply(flow.flow, op) : flow.flow;
}

beforeEach(() => KINDS.forEach((one) => catalog.byKind.set(one.kind, one)));

test("one document is read by a new node, several by their folder", () => {
  expect(after(open(), [doc("documents/ask/a.pdf")]).nodes[0].params).toEqual({ path: "documents/ask/a.pdf" });
  const several = after(open(), [doc("documents/ask/a.pdf"), doc("documents/ask/b/c.md")]);
  expect(several.nodes.map((node) => node.params)).toEqual([{ path: "documents/ask" }]);
});

test("a node that reads the place already gets them without an edit", () => {
  const flow = open({ nodes: [{ id: "l", kind: "retrieval.load", params: { path: "documents/ask" } }] });
  const { op, show, say } = bringing(flow, [doc("documents/ask/a.pdf")], AT);
  expect(op).toBeNull();
  expect(show).toEqual(["l"]);
  expect(say).toContain("1 document for Load documents");
});

test("a node that they are let go over reads them, unless it reads a folder of one's own", () => {
  const node = (path: string) => open({ nodes: [{ id: "l", kind: "retrieval.load", params: { path } }] });
  const one = [doc("documents/ask/b.pdf")];
  expect(after(node(""), one, "l").nodes[0].params).toEqual({ path: "documents/ask/b.pdf" });
  expect(after(node("documents/ask/a.pdf"), one, "l").nodes[0].params).toEqual({ path: "documents/ask" });
  const own = after(node("/home/ada/notes"), one, "l");
  expect(own.nodes.map((n) => n.params?.path)).toEqual(["/home/ada/notes", "documents/ask/b.pdf"]);
});

test("over another node that takes documents they are wired to it, where its port is free", () => {
  const flow = open({ nodes: [{ id: "s", kind: "split" }] });
  const once = after(flow, [doc("documents/ask/a.pdf")], "s");
  expect(once.edges).toEqual([{ from: `${once.nodes[1].id}.documents`, to: "s.documents" }]);
  flow.flow = once;
  expect(after(flow, [doc("documents/other/b.pdf")], "s").edges).toHaveLength(1);
});

test("pictures become nodes of their own, and many name their folder", () => {
  const two = after(open(), [picture("pictures/ask/a.png"), picture("pictures/ask/b.png"), doc("documents/ask/a.md")]);
  expect(two.nodes.map((node) => node.params?.path)).toEqual([
    "documents/ask/a.md",
    "pictures/ask/a.png",
    "pictures/ask/b.png",
  ]);
  expect(new Set(two.nodes.map((node) => node.id)).size).toBe(3);
  const many = bringing(
    open(),
    [1, 2, 3, 4, 5, 6, 7].map((n) => picture(`pictures/ask/${n}.png`)),
    AT,
  );
  expect(many.op).toBeNull();
  expect(many.say).toContain("pictures/ask");
});

test("what paths share", () => {
  expect(common(["documents/a/x.md"])).toBe("documents/a/x.md");
  expect(common(["documents/a/b/x.md", "documents/a/b/c/y.md"])).toBe("documents/a/b");
  expect(common(["documents/a", "documents/a/b/y.md"])).toBe("documents/a");
  expect(common(["documents/a/x.md", "documents/ab/x.md"])).toBe("documents");
});
