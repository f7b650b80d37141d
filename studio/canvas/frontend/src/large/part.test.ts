import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { prerender } from "react-dom/static";
import { expect, test } from "vitest";
import { Boundary, partOf } from "./part";

const shown = async (part: ReturnType<typeof partOf>): Promise<string> =>
  new Response((await prerender(createElement(part), { onError: () => {} })).prelude).text();

test("a part that did not load is asked for anew, not kept as failed", async () => {
  let calls = 0;
  const part = partOf(async () => {
    if (++calls === 1) throw new TypeError("Failed to fetch dynamically imported module");
    return () => createElement("p", null, "here it is");
  });
  expect(await shown(part)).not.toContain("here it is");
  expect(await shown(part)).not.toContain("here it is");
  expect(calls).toBe(1);
  part.again();
  expect(await shown(part)).toContain("here it is");
  expect(calls).toBe(2);
});

test("what failed is said in its place, with a way on", () => {
  expect(Boundary.getDerivedStateFromError()).toEqual({ failed: true });
  const broken = new Boundary({ again: () => {}, children: "never" });
  broken.state = Boundary.getDerivedStateFromError();
  const words = renderToString(broken.render());
  expect(words).toContain("This part could not be loaded. Reload the page.");
  expect(words).toContain("Try again");
  expect(words).not.toContain("never");
});
