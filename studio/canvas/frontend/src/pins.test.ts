import { afterEach, expect, test, vi } from "vitest";
import { NO_PINS, followed, pinWords, wish } from "./pins";
import { newsIn } from "./progress";
import { Doc } from "./store";

afterEach(() => vi.unstubAllGlobals());

test("a pin that says the same is the same object, so its node is not drawn again", () => {
  const first = followed(NO_PINS, { turn: 1, nodes: { a: { gist: "x" }, b: { gist: "y" } } });
  const second = followed(first, { turn: 2, nodes: { a: { gist: "x" }, b: { gist: "z" } } });
  expect(second.nodes.a).toBe(first.nodes.a);
  expect(second.nodes.b).toEqual({ gist: "z" });
  expect(followed(second, { turn: 2, nodes: { a: { gist: "x" }, b: { gist: "z" } } })).toBe(second);
  expect(followed(second, { turn: 2, nodes: { a: { gist: "x" } } }).nodes).toEqual({ a: { gist: "x" } });
  expect(followed(second).nodes).toEqual({});
});

test("what a pin is, in words", () => {
  expect(pinWords({ gist: "" })).toBe("pinned");
  expect(pinWords({ gist: "", edited: true })).toBe("set by hand");
  expect(pinWords({ gist: "", edited: true, once: true })).toBe("for one run");
});

test("a wish holds what it brought about, and says what it could not", async () => {
  const doc = new Doc("d");
  doc.at = () => "http://here/pins?doc=d";
  const answer = { pins: { turn: 3, nodes: { a: { gist: "x" } } }, message: "b gave nothing." };
  const fetched = vi.fn(async () => new Response(JSON.stringify(answer)));
  vi.stubGlobal("fetch", fetched);
  let told = 0;
  doc.pinned.subscribe(() => told++);
  expect(await wish(doc, { pin: ["a", "b"] })).toBe("b gave nothing.");
  expect(doc.pins.nodes.a.gist).toBe("x");
  expect(told).toBe(1);
  vi.stubGlobal("fetch", async () => new Response("", { status: 413 }));
  expect(await wish(doc, { unpin: ["a"] })).toContain("does not answer");
  expect(doc.pins.turn).toBe(3);
});

test("news of a change has the browser ask, once", () => {
  const doc = new Doc("e");
  const sent = vi.fn();
  doc.send = sent;
  const base = {
    doc: "e",
    rev: 1,
    ack: 0,
    undo: [0, 0] as [number, number],
  };
  doc.update({ ...base, snap: {} });
  sent.mockClear();
  for (const news of newsIn({ revision: 1, saved: true, pins: 2 }))
    if (news.is === "file") doc.hearPins(news.file.pins);
  expect(sent).toHaveBeenCalledTimes(1);
  doc.update({ ...base, base: 1, setup: { digest: "2", client: "c", pins: { turn: 2, nodes: {} } } });
  sent.mockClear();
  doc.hearPins(2);
  expect(sent).not.toHaveBeenCalled();
});
