import { expect, test } from "vitest";
import { Progress, newsIn } from "./progress";

/** A progress that has heard these messages. */
function heard(...messages: unknown[]): Progress {
  const progress = new Progress();
  for (const message of messages) for (const news of newsIn(message)) progress.take(news);
  return progress;
}

test("pieces of text add up, and a whole text replaces them", () => {
  const progress = heard(
    { node: "ask", status: "running", text_all: "" },
    { node: "ask", status: "running", text: "Copen" },
    { node: "ask", status: "running", text: "hagen" },
  );
  expect(progress.nodes.get("ask")).toEqual({ status: "running", text: "Copenhagen" });
  for (const news of newsIn({ node: "ask", status: "running", text_all: "Oslo" })) progress.take(news);
  expect(progress.nodes.get("ask")?.text).toBe("Oslo");
});

test("what was said about one moment says nothing about the next", () => {
  const progress = heard(
    { node: "ask", status: "waiting", message: "Waits for chat model, next in line" },
    { node: "ask", status: "running", message: "Embedding 1 of 4, 25%", share: 0.25 },
    { node: "ask", status: "running" },
  );
  expect(progress.nodes.get("ask")).not.toHaveProperty("message");
  expect(progress.nodes.get("ask")).not.toHaveProperty("share");
});

test("a node that asks a person says what", () => {
  const progress = heard({ node: "a", status: "asking", message: "Send this mail?" });
  expect(progress.nodes.get("a")).toMatchObject({ status: "asking", message: "Send this mail?" });
});

test("facts stay: seconds and tokens of a node that is done", () => {
  const progress = heard({ node: "ask", status: "done", seconds: 1.2, tokens: 34 }, { node: "ask", status: "done" });
  expect(progress.nodes.get("ask")).toMatchObject({ status: "done", seconds: 1.2, tokens: 34 });
});

test("steps of an agent add up; all of them at once replace them", () => {
  const step = { what: "tool call", tool: "clock" };
  const progress = heard({ node: "a", step }, { node: "a", step });
  expect(progress.nodes.get("a")?.steps).toHaveLength(2);
  for (const news of newsIn({ node: "a", steps_all: [step] })) progress.take(news);
  expect(progress.nodes.get("a")?.steps).toEqual([step]);
});

test("figures that are measured add up; all at once replace them; of very many some are kept, the newest among them", () => {
  const progress = heard(
    { node: "t", status: "running", points: [{ step: 1, loss: 2 }] },
    {
      node: "t",
      points: [
        { step: 2, loss: 1.5 },
        { step: 3, loss: 1 },
      ],
    },
  );
  expect(progress.nodes.get("t")?.points?.map((point) => point.step)).toEqual([1, 2, 3]);
  for (const news of newsIn({ node: "t", points_all: [] })) progress.take(news);
  expect(progress.nodes.get("t")?.points).toEqual([]);
  const many = Array.from({ length: 3000 }, (_, at) => ({ step: at + 1, loss: 1 }));
  for (const news of newsIn({ node: "t", points: many })) progress.take(news);
  const kept = progress.nodes.get("t")?.points ?? [];
  expect(kept.length).toBeLessThanOrEqual(500);
  expect([kept[0].step, kept[kept.length - 1].step]).toEqual([1, 3000]);
});

test("a new run forgets the last one, and says which nodes that concerns", () => {
  const progress = heard({ run: { id: "r1", status: "running" } }, { node: "a", status: "done" });
  const [reset, run] = newsIn({ reset: true, run: { id: "r2", status: "running" } });
  expect(progress.take(reset)).toEqual(["a"]);
  progress.take(run);
  expect(progress.nodes.size).toBe(0);
  expect(progress.run?.id).toBe("r2");
});

test("what is said of the run is never a node", () => {
  const progress = heard({ run: { id: "r1", status: "running", warnings: ["The cache is full."] } });
  expect(progress.nodes.size).toBe(0);
  expect(progress.run?.warnings).toEqual(["The cache is full."]);
});

test("the file's revision, and a conflict", () => {
  expect(heard({ revision: 7, saved: false, conflict: true }).file).toEqual({
    revision: 7,
    saved: false,
    conflict: true,
    pins: 0,
  });
});

test.each([null, 3, "node", [], {}, { node: 3 }, { revision: "7" }])("%j says nothing", (message) => {
  expect(newsIn(message)).toEqual([]);
});

test("a status that nobody knows does not spoil the one that is known", () => {
  const progress = heard({ node: "a", status: "running" }, { node: "a", status: "flying" });
  expect(progress.nodes.get("a")?.status).toBe("running");
});
