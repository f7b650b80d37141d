import { expect, test } from "vitest";
import { type Around, Refusal, refusalOf, told } from "./caller";
import { AGAIN, Blocks, type Heard, eventsOf } from "./events";

const block = (type: string, id = ""): string => `${id && `id: ${id}\n`}event: ${type}\ndata: {"type":"${type}"}\n\n`;
const types = (events: Iterable<Heard>): string[] => [...events].map((event) => event.type);

test("events are taken apart wherever the pieces end", () => {
  const text = `: ping\n\n${block("run_started", "a.1")}${block("node_streamed", "a.2")}`;
  for (let cut = 0; cut <= text.length; cut++) {
    const blocks = new Blocks();
    const found = [...types(blocks.take(text.slice(0, cut))), ...types(blocks.take(text.slice(cut)))];
    expect(found).toEqual(["run_started", "node_streamed"]);
    expect(blocks.last).toBe("a.2");
  }
});

/** A server that gives these bodies, one after the other. */
function server(bodies: string[]): { around: Around; asked: [string, unknown][] } {
  const asked: [string, unknown][] = [];
  const ask = async (path: string, init: RequestInit = {}) => {
    asked.push([path, (init.headers as Record<string, string>)?.["Last-Event-ID"]]);
    return new Response(bodies.shift() ?? "", { status: 200 });
  };
  return { around: { flow: "f", ask, keep: () => "" }, asked };
}

async function all(around: Around, first: Response): Promise<Heard[]> {
  const found: Heard[] = [];
  for await (const event of eventsOf(around, "r", first, new AbortController().signal)) found.push(event);
  return found;
}

test("a line that breaks goes on after the last event that has a number", async () => {
  const { around, asked } = server([block("run_finished", "a.2")]);
  const found = await all(around, new Response(block("run_started", "a.1") + "data: {half"));
  expect(types(found)).toEqual(["run_started", "run_finished"]);
  expect(asked).toEqual([["/runs/r/events", "a.1"]]);
});

test("where events have no numbers they are told again, and that is said", async () => {
  const { around } = server([block("run_started") + block("run_waiting")]);
  const found = await all(around, new Response(block("run_started")));
  expect(found.map((event) => (event === AGAIN ? "again" : event.type))).toEqual([
    "run_started",
    "again",
    "run_started",
    "run_waiting",
  ]);
});

test("a refusal says every reason with its fix", async () => {
  const body = { error: { message: "One.", fix: "Fix it." }, also: [{ message: "Two." }] };
  const refusal = await refusalOf(new Response(JSON.stringify(body), { status: 400 }));
  expect(refusal.message).toBe("One. Fix it. Two.");
  expect((await refusalOf(new Response("<html>", { status: 502 }))).problems).toHaveLength(1);
  const ask = () => Promise.reject(new TypeError("no net"));
  await expect(told({ flow: "f", ask, keep: () => "" }, "/x")).rejects.toBeInstanceOf(Refusal);
});
