import { expect, test } from "vitest";
import { endOf, statesAt, stepFrom } from "./timeline";

const moments = [
  { t: 0.1, node: "a", status: "running" },
  { t: 0.5, node: "a", status: "done", seconds: 0.4 },
  { t: 0.5, node: "b", status: "running" },
  { t: 2, node: "b", status: "failed", seconds: 1.5, message: "No." },
];

test("the nodes are where they were at a time", () => {
  expect(statesAt(moments, 0)).toEqual({});
  expect(statesAt(moments, 0.3).a.status).toBe("running");
  const later = statesAt(moments, 0.5);
  expect([later.a.status, later.a.seconds, later.b.status]).toEqual(["done", 0.4, "running"]);
  expect(statesAt(moments, 9).b).toMatchObject({ status: "failed", message: "No." });
});

test("steps go from change to change, and stop at both ends", () => {
  expect(endOf(moments)).toBe(2);
  expect(endOf([])).toBe(0);
  expect([0, 0.1, 0.3, 0.5, 2].map((t) => stepFrom(moments, t, 1))).toEqual([0.1, 0.5, 0.5, 2, 2]);
  expect([2, 1, 0.5, 0.1, 0].map((t) => stepFrom(moments, t, -1))).toEqual([0.5, 0.5, 0.1, 0, 0]);
});
