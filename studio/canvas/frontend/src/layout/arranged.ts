// Who lays out: a worker; the page itself where the browser gives it none.

import type { Place } from "../model";
import type { arrange } from "./arrange";
import LayoutWorker from "./worker?worker";

type Asked = Parameters<typeof arrange>;
type Places = Record<string, Place>;
type Thread = Pick<Worker, "onmessage" | "onerror" | "postMessage" | "terminate">;

/** What the worker gives; fails where there is none, or it fails. */
function beside(asked: Asked, start: () => Thread): Promise<Places> {
  return new Promise((give, fail) => {
    const worker = start();
    const end = (said: () => void) => () => {
      worker.terminate();
      said();
    };
    worker.onmessage = (event: MessageEvent<Places>) => end(() => give(event.data))();
    worker.onerror = (event: Event | string) => {
      if (typeof event !== "string") event.preventDefault(); // it is done here instead
      end(() => fail(new Error("The worker failed.")))();
    };
    worker.postMessage(asked);
  });
}

/** A place for each box, as `arrange` finds them. Fails in words for the person. */
export async function arranged(
  asked: Asked,
  start: () => Thread = () => new LayoutWorker(),
  here: () => Promise<{ arrange: typeof arrange }> = () => import("./arrange"),
): Promise<Places> {
  try {
    return await beside(asked, start);
  } catch {
    const part = await here().catch(() => {
      throw new Error("The layout could not be loaded. Reload the page.");
    });
    return part.arrange(...asked);
  }
}
