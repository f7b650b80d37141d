// The signs of the chat as line drawings: as letters they depend on the fonts of whoever reads. 24 × 24.

const PATHS = {
  up: "M7 10.5V20H4v-9.5zM7 11l4-7.5c1.6 0 2.6 1.2 2.3 2.8L12.7 9.5h5.8a1.6 1.6 0 0 1 1.6 2l-1.7 7a2 2 0 0 1-1.9 1.5H7",
  down: "M7 13.5V4H4v9.5zM7 13l4 7.5c1.6 0 2.6-1.2 2.3-2.8l-.6-3.2h5.8a1.6 1.6 0 0 0 1.6-2l-1.7-7A2 2 0 0 0 16.5 4H7",
  again: "M20 5v5h-5M19.5 10A8 8 0 1 0 20 14",
  branch: "M6 4v16M6 13c0-5 12-3 12-9M15 7l3-3 3 3",
  pen: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  menu: "M4 6h16M4 12h16M4 18h16",
  more: "M5 12h.01M12 12h.01M19 12h.01",
};

export type Drawing = keyof typeof PATHS;

const SVG = "http://www.w3.org/2000/svg";

/** A drawing in the color of the text around it. */
export function drawn(name: Drawing): SVGElement {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  const shape = { viewBox: "0 0 24 24", width: "16", height: "16", fill: "none", stroke: "currentColor" };
  const line = { "stroke-width": name === "more" ? "3" : "1.8", "stroke-linecap": "round", "stroke-linejoin": "round" };
  for (const [key, value] of Object.entries({ ...shape, ...line, "aria-hidden": "true" })) svg.setAttribute(key, value);
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
