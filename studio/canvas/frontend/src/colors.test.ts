// Types without color: what has one outline can be told apart by everybody, and all of it stands out from the canvas.

import { expect, test } from "vitest";
import css from "./style.css?inline";
import { HUES_BY_OUTLINE } from "./types";

type Color = [number, number, number];
const [light, dark] = css.split(".pb-host.dark {");
const THEMES: [name: string, css: string, canvas: string][] = [
  ["light", light, "#f5f6f7"],
  ["dark", dark, "#22252e"],
];
const parsed = (hex: string): Color => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255) as Color;
const linear = (hex: string): Color =>
  parsed(hex).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)) as Color;
const colorIn = (theme: string, hue: string): string => new RegExp(`--pb-${hue}: (#[0-9a-f]{6})`).exec(theme)![1];

/** WCAG 2.2, relative luminance and contrast. */
const luminance = ([r, g, b]: Color): number => 0.2126 * r + 0.7152 * g + 0.0722 * b;
function contrast(a: string, b: string): number {
  const [low, high] = [luminance(linear(a)), luminance(linear(b))].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

/** Full color blindness of three kinds in linear light (Machado, Oliveira & Fernandes 2009), and none. */
const EYES: Record<string, Color[]> = {
  none: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protan: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deutan: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritan: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};
const seen = (hex: string, eye: Color[]): Color =>
  eye.map((row) =>
    Math.max(
      0,
      row.reduce((sum, k, i) => sum + k * linear(hex)[i], 0),
    ),
  ) as Color;

/** Oklab (Ottosson 2020). */
function oklab([r, g, b]: Color): Color {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}
const apart = (a: string, b: string, eye: Color[]): number => {
  const [x, y] = [oklab(seen(a, eye)), oklab(seen(b, eye))];
  return 100 * Math.hypot(...x.map((value, i) => value - y[i]));
};

/** Oklab's just noticeable difference is about 2 for patches that touch; dots do not. */
const CLEAR = 6;

test.each(THEMES)("%s: every type's color stands out from the canvas (3 to 1)", (_name, theme, canvas) => {
  for (const hue of Object.values(HUES_BY_OUTLINE()).flat())
    expect(contrast(colorIn(theme, hue), canvas), hue).toBeGreaterThanOrEqual(3);
});

test.each(THEMES)("%s: types of one outline can be told apart, color-blind or not", (_name, theme) => {
  for (const hues of Object.values(HUES_BY_OUTLINE()))
    for (const a of hues)
      for (const b of hues) {
        if (a >= b) continue;
        for (const [eye, matrix] of Object.entries(EYES))
          expect(apart(colorIn(theme, a), colorIn(theme, b), matrix), `${a} and ${b}, ${eye}`).toBeGreaterThan(CLEAR);
      }
});

test("the check would have found the colors of before", () => {
  expect(apart("#e08a1e", "#7a9f1f", EYES.protan)).toBeLessThan(CLEAR);
  expect(contrast("#c79a10", "#f5f6f7")).toBeLessThan(3);
});
