import { expect, test, vi } from "vitest";
import { Statuses } from "./statuses";

test("only the node that a piece belongs to is drawn again", () => {
  const statuses = new Statuses();
  const [mine, other] = [vi.fn(), vi.fn()];
  statuses.subscribe("ask", mine);
  statuses.subscribe("prompt", other);
  statuses.take('{"node":"ask","status":"running","text":"Co"}');
  expect(mine).toHaveBeenCalledTimes(1);
  expect(other).not.toHaveBeenCalled();
});

test("a reset tells every node that was in the run", () => {
  const statuses = new Statuses();
  const mine = vi.fn();
  statuses.take('{"node":"ask","status":"done"}');
  statuses.subscribe("ask", mine);
  statuses.take('{"reset":true}');
  expect(mine).toHaveBeenCalledTimes(1);
  expect(statuses.get("ask")).toBeUndefined();
});

test("states that a page gives at once replace what was known", () => {
  const statuses = new Statuses();
  statuses.take('{"node":"a","status":"done"}');
  statuses.replace({ b: { status: "failed", message: "No." } });
  expect(statuses.get("a")).toBeUndefined();
  expect(statuses.get("b")?.status).toBe("failed");
});

test("news of the file go to the document", () => {
  const statuses = new Statuses();
  statuses.onRevision = vi.fn();
  statuses.onConflict = vi.fn();
  statuses.take('{"revision":12,"saved":true,"conflict":true}');
  expect(statuses.onRevision).toHaveBeenCalledWith(12);
  expect(statuses.onConflict).toHaveBeenCalledWith(true);
});

test("torn JSON is skipped", () => {
  const statuses = new Statuses();
  expect(() => statuses.take('{"node":')).not.toThrow();
});
