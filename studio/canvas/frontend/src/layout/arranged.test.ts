import { expect, test } from "vitest";
import { arrange } from "./arrange";
import { arranged } from "./arranged";
import type { Box, Wire } from "./boxes";

const boxes: Box[] = ["a", "b", "c"].map((id) => ({ id, w: 240, h: 120, room: 16 }));
const wires: Wire[] = [["a", "b"], ["b", "c"]]; // prettier-ignore
const asked: Parameters<typeof arrange> = [boxes, wires, { w: 1200, h: 700 }];

/** A worker as a browser gives one: it answers later, or breaks. */
function thread(breaks = false) {
  const worker = {
    ended: 0,
    onmessage: null as Worker["onmessage"],
    onerror: null as Worker["onerror"],
    postMessage(data: unknown) {
      setTimeout(() => {
        const all = worker as unknown as Worker;
        if (breaks) all.onerror?.(new Event("error", { cancelable: true }) as ErrorEvent);
        else
          all.onmessage?.(new MessageEvent("message", { data: arrange(...(structuredClone(data) as typeof asked)) }));
      });
    },
    terminate: () => void worker.ended++,
  };
  return worker;
}

test("a worker lays out, and ends", async () => {
  const worker = thread();
  const here = () => Promise.reject(new Error("not here"));
  expect(await arranged(asked, () => worker, here)).toEqual(arrange(...asked));
  expect(worker.ended).toBe(1);
});

test("the page lays out itself where there is no worker, or it breaks", async () => {
  const refused = () => {
    throw new DOMException("Refused", "SecurityError");
  };
  const worker = thread(true);
  for (const start of [refused, () => worker])
    expect(await arranged(asked, start, async () => ({ arrange }))).toEqual(arrange(...asked));
  expect(worker.ended).toBe(1);
});

test("where neither comes it says so", async () => {
  const gone = () => Promise.reject(new TypeError("Failed to fetch"));
  await expect(arranged(asked, () => thread(true), gone)).rejects.toThrow("Reload the page.");
});
