import { afterEach, expect, test, vi } from "vitest";
import { get } from "./ask";

afterEach(() => vi.unstubAllGlobals());
const answering = (answer: () => Promise<Response>) => vi.stubGlobal("fetch", answer);

test.each<[string, () => Promise<Response>]>([
  ["what is no JSON", async () => new Response('{"rows": [[NaN]]}')],
  ["half of an answer", async () => new Response('{"rows": [')],
  ["a refusal", async () => new Response("Not for you.", { status: 403 })],
  ["a studio that is away", () => Promise.reject(new TypeError("Failed to fetch"))],
])("%s is no answer, and nothing waits for it", async (_, answer) => {
  answering(answer);
  expect(await get("here?doc=1")).toBeNull();
});

test("an answer is read", async () => {
  answering(async () => new Response('{"rows": [[null]]}'));
  expect(await get("here?doc=1")).toEqual({ rows: [[null]] });
});
