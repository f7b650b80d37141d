import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Peeked, Peeks, firstOf } from "./peek";

const what = (key: string): Peeked => ({
  ...{ key, title: key, about: [], sources: [], hint: "", when: "", side: "below" },
  at: () => ({ left: 0, top: 0, right: 0, bottom: 0 }),
});

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("it is shown once the pointer rests, and goes when the pointer does", () => {
  const peeks = new Peeks();
  peeks.rest(what("a"));
  vi.advanceTimersByTime(200);
  peeks.rest(what("a"));
  vi.advanceTimersByTime(200);
  expect(peeks.now).toBeNull();
  vi.advanceTimersByTime(200);
  expect(peeks.now?.key).toBe("a");
  peeks.leave("b");
  expect(peeks.now?.key).toBe("a");
  peeks.leave("a");
  expect(peeks.now).toBeNull();
});

test("what the pointer only passes over is not shown", () => {
  const peeks = new Peeks();
  peeks.rest(what("a"));
  peeks.leave("a");
  vi.advanceTimersByTime(1000);
  expect(peeks.now).toBeNull();
});

test("of a wire the value that was given counts, else the one that was taken", () => {
  const sources = [
    { node: "a", side: "out" as const, port: "x" },
    { node: "b", side: "in" as const, port: "y" },
  ];
  const told = (side: "in" | "out", port: string) => ({
    ...{ run: "r", status: "done", in: {}, out: {} },
    [side]: { [port]: { shape: "text", gist: `${side} ${port}` } },
  });
  expect(firstOf(sources, {})).toBeUndefined();
  expect(firstOf(sources, { a: told("out", "x") })?.gist).toBe("out x");
  expect(firstOf(sources, { a: null })).toBeUndefined();
  expect(firstOf(sources, { a: told("out", "z"), b: told("in", "y") })?.gist).toBe("in y");
  expect(firstOf(sources, { a: null, b: null })).toBeNull();
});
