import { afterEach, expect, test, vi } from "vitest";
import { motion } from "./motion";

afterEach(() => vi.unstubAllGlobals());

test.each([
  [false, 250],
  [true, 0],
])("who asked for less motion (%s) sees none", (matches, duration) => {
  vi.stubGlobal("matchMedia", () => ({ matches }));
  expect(motion(250)).toEqual({ duration });
});
