import { expect, test } from "vitest";
import { announced, statesOf } from "./announcing";
import type { State } from "./progress";

const named = (id: string): string => id.toUpperCase();
const states = (text: string) => new Map(text.split(" ").map((one) => one.split(":") as [string, State]));
const said = (before: string, now: string): string => announced(states(before), states(now), named);

test("a node begins, is done, or failed", () => {
  expect(said("a:queued", "a:running")).toBe("A begins.");
  expect(said("a:running b:queued", "a:done b:running")).toBe("A is done. B begins.");
  expect(said("a:running", "a:failed")).toBe("A failed.");
  expect(said("a:running", "a:asking")).toBe("A asks a person.");
});

test("what stays as it is, waits for its turn or is skipped is not said", () => {
  expect(said("a:running", "a:running")).toBe("");
  expect(said("a:queued b:queued", "a:waiting b:skipped")).toBe("");
  expect(said("a:waiting", "a:running")).toBe("");
});

test("several are said together, and of many how many they are", () => {
  expect(said("x:queued", "a:done b:cached")).toBe("A and B are done.");
  expect(said("x:queued", "a:done b:done c:done")).toBe("A, B and C are done.");
  expect(said("x:queued", "a:done b:done c:done d:done")).toBe("4 nodes are done.");
});

test("nodes within a flow that a node runs are not told", () => {
  const nodes = new Map([
    ["each", { status: "running" as const }],
    ["each/3/ask", { status: "running" as const }],
  ]);
  expect([...statesOf(nodes).keys()]).toEqual(["each"]);
});
