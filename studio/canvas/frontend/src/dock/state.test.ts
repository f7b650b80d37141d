import { expect, test } from "vitest";
import { DockState, SETTINGS } from "./state";
import { bothFit, coveredBy, firstOf, sizeOf } from "./sizes";

/** A browser: its window, and what it keeps from visit to visit. */
function browser(width: number, refuses = false) {
  const kept = new Map<string, string>();
  const window = { width };
  const store = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
  const open = () => {
    if (refuses) throw new DOMException("Denied", "SecurityError");
    return store;
  };
  return { kept, window, visit: () => new DockState(() => window.width, open) };
}
const lies = ({ open, palette }: DockState) => [open && "dock", palette && "palette"].filter(Boolean).join(" ");

test("a window has one of three sizes", () => {
  expect([390, 799, 800, 1024, 1199, 1200, 2560].map(sizeOf)).toEqual(
    ["small", "small", "middle", "middle", "middle", "wide", "wide"], // prettier-ignore
  );
});

test("at first the canvas is free; a wide window has the palette beside it", () => {
  expect([390, 799, 800, 1199].map((width) => lies(browser(width).visit()))).toEqual(["", "", "", ""]);
  expect(lies(browser(1200).visit())).toBe("palette");
});

test("what lies over the canvas leaves half of it, or is one thing only", () => {
  for (let window = 320; window < 1200; window += 10) {
    const state = browser(window).visit();
    state.showPalette(true);
    state.show("Run");
    expect(lies(state)).toBe("dock");
    state.showPalette(true);
    expect(lies(state)).toBe("palette");
    if (window >= 800) expect(firstOf(sizeOf(window)).width).toBeLessThanOrEqual(window / 2);
  }
  expect([bothFit(1100, 300), bothFit(1090, 300), bothFit(799, 0), bothFit(1200, 400)]).toEqual([
    true,
    false,
    false,
    true,
  ]);
});

test("a dock that is narrow enough keeps the palette; widened over the half, it folds it", () => {
  const state = browser(1150).visit();
  state.widen(300);
  state.showPalette(true);
  state.show("Run");
  expect(lies(state)).toBe("dock palette");
  state.widen(420);
  expect(lies(state)).toBe("dock");
});

test("what a person chose is remembered for each size", () => {
  const { window, visit } = browser(1440);
  const wide = visit();
  wide.widen(520);
  wide.show("Chat");
  window.width = 390;
  expect(lies(visit())).toBe("");
  visit().showPalette(true);
  expect(lies(visit())).toBe("palette");
  window.width = 1440;
  expect([lies(visit()), visit().width, visit().tab]).toEqual(["dock palette", 520, "Chat"]);
  visit().widenPalette(360);
  expect([visit().paletteWidth, visit().width]).toEqual([360, 520]);
  visit().widenPalette(20);
  expect(visit().paletteWidth).toBe(200);
  visit().widenPalette(5000);
  expect(visit().paletteWidth).toBe(720);
  visit().showPalette(false);
  expect(lies(visit())).toBe("dock");
});

test("a narrower window keeps what is in use, a wider one gives back what was there", () => {
  const { window, visit } = browser(1440);
  const state = visit();
  state.show("Chat");
  window.width = 390;
  state.fit();
  expect(lies(state)).toBe("dock");
  state.fold();
  window.width = 1440;
  state.fit();
  expect(lies(state)).toBe("dock palette");
});

test("a tap on a node does not cover a small canvas; on a larger one its settings come, unless they were folded", () => {
  const small = browser(390).visit();
  small.lookAt();
  expect(lies(small)).toBe("");
  small.show("Run");
  small.lookAt();
  expect([lies(small), small.tab]).toEqual(["dock", SETTINGS]);
  const middle = browser(1024).visit();
  middle.lookAt();
  expect(lies(middle)).toBe("dock");
  middle.toggle();
  middle.lookAt();
  expect(lies(middle)).toBe("");
});

test("a browser that keeps nothing, or something else, has a first visit each time", () => {
  const refusing = browser(390, true).visit();
  refusing.show("Run");
  expect(lies(refusing)).toBe("dock");
  for (const text of [
    "no JSON",
    "null",
    "3",
    '{"sizes": 7}',
    '{"sizes": {"small": {"open": "yes", "width": "wide"}}}',
  ]) {
    const { kept, visit } = browser(390);
    kept.set("patchbay-dock", text);
    expect([lies(visit()), visit().width]).toEqual(["", 400]);
  }
});

test("the canvas knows what lies over it, but in a small window nothing makes room", () => {
  const state = browser(1440).visit();
  state.show("Run");
  expect(coveredBy(state, true, true)).toEqual({ left: 248, right: 400 });
  expect(coveredBy(state, false, true)).toEqual({ left: 248, right: 0 });
  expect(coveredBy(state, true, false)).toEqual({ left: 0, right: 400 });
  const small = browser(390).visit();
  small.showPalette(true);
  expect(coveredBy(small, true, true)).toEqual({ left: 0, right: 0 });
});
