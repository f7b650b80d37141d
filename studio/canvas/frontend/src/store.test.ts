import { beforeEach, expect, test, vi } from "vitest";
import { Op } from "./model";
import { Data, Doc, Payload } from "./store";

const data = (over: Partial<Data> = {}): Data => ({
  doc: "d", rev: 0, ack: 0, undo: [0, 0], ...over,
}); // prettier-ignore
const SETUP = { digest: "1", client: "c" };
const node = (id: string): Op => ({ op: "add_node", node: { id, kind: "io.input" } });
const ids = (doc: Doc): string[] => doc.flow.nodes.map((n) => n.id);

let doc: Doc;
let sent: Payload[];

beforeEach(() => {
  vi.useFakeTimers();
  doc = new Doc("d");
  sent = [];
  doc.send = (payload) => sent.push({ ...payload, ops: [...payload.ops] });
  doc.update(data({ snap: {}, setup: SETUP }));
  sent.length = 0;
});

test("an edit is there at once, and goes out", () => {
  doc.dispatch(node("a"));
  expect(ids(doc)).toEqual(["a"]);
  expect(sent).toHaveLength(1);
  expect(sent[0].ops.map((item) => item.seq)).toEqual([1]);
});

test("what was not acknowledged is sent again, with what came after", () => {
  doc.dispatch(node("a"));
  doc.dispatch(node("b"));
  vi.advanceTimersByTime(3000);
  expect(sent.at(-1)?.ops.map((item) => item.seq)).toEqual([1, 2]);
});

test("an acknowledged edit is not made twice", () => {
  doc.dispatch(node("a"));
  doc.update(data({ base: 0, rev: 1, ack: 1, ops: [{ r: 1, s: 1 }] }));
  expect(ids(doc)).toEqual(["a"]);
  vi.advanceTimersByTime(60_000);
  expect(sent).toHaveLength(1);
});

test("somebody else's edit goes below one's own that is under way", () => {
  doc.dispatch(node("mine"));
  doc.update(data({ base: 0, rev: 1, ack: 0, ops: [{ r: 1, o: node("theirs") }] }));
  expect(ids(doc)).toEqual(["theirs", "mine"]);
});

test("a snapshot does not take away what is still under way", () => {
  doc.dispatch(node("mine"));
  doc.update(data({ rev: 4, ack: 0, snap: { nodes: [{ id: "old", kind: "io.input" }] } }));
  expect(ids(doc)).toEqual(["old", "mine"]);
});

test("a gap in what the server tells asks for a whole flow", () => {
  doc.update(data({ base: 5, rev: 6, ops: [{ r: 6, o: node("x") }] }));
  expect(sent.at(-1)?.rev).toBeNull();
});

test("what the server rejects is said once", () => {
  doc.dispatch(node("a"));
  const rejected = [{ seq: 1, message: "That cannot be." }];
  doc.update(data({ base: 0, rev: 0, ack: 1, rejected }));
  doc.update(data({ base: 0, rev: 0, ack: 1, rejected }));
  expect(ids(doc)).toEqual([]);
  expect(doc.toast).toEqual({ text: "That cannot be.", n: 1 });
});

test("an edit that makes no sense goes nowhere and says why", () => {
  expect(doc.dispatch({ op: "disconnect", from: "a.x", to: "b.y" })).toBe(false);
  expect(doc.toast?.text).toContain('no wire from "a.x"');
  expect(sent).toHaveLength(0);
});

test("a flow that is only shown takes no edits, and commands still go out", () => {
  doc.update(data({ base: 0, rev: 0, setup: { ...SETUP, digest: "2", readonly: true } }));
  expect(doc.dispatch(node("a"))).toBe(false);
  doc.command("run");
  expect(sent.at(-1)?.ops[0].cmd).toEqual({ name: "run", arg: "" });
});

test("what the page gives is kept, and the server is told which of it is here", () => {
  doc.update(data({ base: 0, rev: 0, setup: { digest: "2", client: "c", events: "news?doc=d" } }));
  doc.update(data({ base: 0, rev: 0 }));
  doc.dispatch(node("a"));
  expect(doc.setup.events).toBe("news?doc=d");
  expect(sent.at(-1)).toMatchObject({ setup: "2", client: "c" });
});

test("a new session of the server starts from a whole flow, with the edits that are under way", () => {
  doc.dispatch(node("a"));
  doc.update(data({ rev: 0, snap: {}, setup: { digest: "3", client: "other" } }));
  expect(ids(doc)).toEqual(["a"]);
  vi.advanceTimersByTime(3000);
  expect(sent.at(-1)).toMatchObject({ setup: "3", client: "other", rev: 0 });
});

test("a page that never heard of the flow asks for all of it", () => {
  const late = new Doc("l");
  late.send = (payload) => sent.push(payload);
  late.update({ doc: "l", rev: 4, ack: 2, base: 3, undo: [1, 0], ops: [{ r: 4, s: 2 }] });
  expect(sent.at(-1)).toMatchObject({ rev: null, setup: "" });
});

test("a command comes after the edits made before it", () => {
  doc.dispatch(node("a"));
  doc.command("run");
  vi.advanceTimersByTime(500);
  expect(sent.at(-1)?.ops.map((item) => item.cmd?.name ?? item.op?.op)).toEqual(["add_node", "run"]);
});

test("news of a revision that this page lacks asks for it", () => {
  doc.hear(3);
  expect(sent).toHaveLength(1);
  doc.hear(0);
  expect(sent).toHaveLength(1);
});

test("a badge goes away when its node's list comes empty", () => {
  const bad = { code: "x", message: "No.", severity: "error" as const };
  doc.update(data({ base: 0, rev: 0, problems: { a: [bad] }, all_problems: true }));
  expect(doc.problems).toEqual({ a: [bad] });
  doc.update(data({ base: 0, rev: 0, problems: { a: [] } }));
  expect(doc.problems).toEqual({});
});

test("others on the page hear whether an answer is waited for", () => {
  const heard: boolean[] = [];
  doc.waits = (now) => heard.push(now);
  doc.dispatch(node("a"));
  expect(heard).toEqual([true]);
  doc.update(data({ base: 0, rev: 1, ack: 1, ops: [{ r: 1, s: 1 }] }));
  expect(heard).toEqual([true, false]);
  doc.hear(2); // somebody else's edit: the question for it is no edit
  expect(heard).toEqual([true, false]);
});
