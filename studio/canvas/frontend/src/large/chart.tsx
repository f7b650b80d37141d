// A chart from its points, drawn by Observable Plot as SVG. A file of its own.

import * as Plot from "@observablehq/plot";
import { useEffect, useRef } from "react";
import type { Json } from "../model";

/** `Chart` of nodes/figures.py, as it is stored. */
interface ChartValue {
  kind: "bar" | "line" | "point" | "heat";
  rows: Record<string, Json>[];
  x: string;
  y: string;
  color?: string | null;
  low?: string | null;
  high?: string | null;
  label?: string | null;
  title?: string;
  x_title?: string;
  y_title?: string;
}
/** Letters of a label from which on bars lie, so that it can be read without turning the head. */
const WIDE = 14;
/** Pixels between the points of a line from which on each is a dot. */
const APART = 8;
/** Lines and dots of one color. It is told from its ground in both themes. */
const INK = "var(--pb-indigo)";
/** The share of the range from which on the blue of a cell is dark. */
const DARK = 0.7;

export function Chart({ value }: { value: ChartValue }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const draw = () => element.replaceChildren(Plot.plot(optionsOf(value, element.clientWidth || 800)));
    const watch = new ResizeObserver(draw);
    watch.observe(element);
    return () => watch.disconnect();
  }, [value]);
  if (!value.rows.length)
    return <p className="pb-note-line">{value.title ? `${value.title}. ` : ""}A chart without points.</p>;
  return (
    <figure className="pb-chart">
      {value.title && <figcaption>{value.title}</figcaption>}
      <div ref={box} role="img" aria-label={value.title || `A ${value.kind} chart of ${value.y} over ${value.x}`} />
    </figure>
  );
}

export function optionsOf(value: ChartValue, width: number): Plot.PlotOptions {
  const { kind, x, y, color, rows } = value;
  const lying = kind === "bar" && rows.some((row) => String(row[x] ?? "").length > WIDE);
  const longest = Math.max(0, ...rows.map((row) => String(row[kind === "heat" ? y : x] ?? "").length));
  const named = value.y_title || y;
  // The title stands right above it: it need not be said twice.
  const names = { x: value.x_title || x, y: named === value.title ? null : named };
  const side = kind === "heat" || lying ? Math.min(260, 30 + longest * 7) : 60;
  const series = kind !== "heat" && color ? color : undefined;
  const grouped = kind === "bar" && series;
  return {
    width,
    height: lying ? Math.max(220, rows.length * 26 + 80) : Math.min(560, Math.max(280, width * 0.5)),
    marginLeft: side,
    marginTop: names.y === null ? 12 : 34,
    marginBottom: 46,
    style: { background: "transparent", color: "currentColor", fontSize: "12px", fontFamily: "inherit" },
    x: {
      grid: lying || kind === "point",
      label: lying ? names.y : grouped ? null : names.x,
      ...(grouped && !lying && { axis: null }),
    },
    y: {
      grid: !lying && kind !== "heat",
      label: lying ? (grouped ? null : names.x) : names.y,
      ...(grouped && lying && { axis: null }),
    },
    ...(grouped && (lying ? { fy: { label: names.x } } : { fx: { label: names.x } })),
    color: kind === "heat" ? { legend: true, scheme: "blues", label: color ?? "" } : { legend: !!series },
    marks: marksOf(value, lying, series, width),
  };
}

function marksOf(value: ChartValue, lying: boolean, series: string | undefined, width: number): Plot.Markish[] {
  const { kind, rows, x, y, color, low, high, label } = value;
  const line = { sort: null, tip: true };
  if (kind === "heat") {
    return [
      Plot.cell(rows, { x, y, fill: color ?? undefined, inset: 0.5, tip: true }),
      ...(rows.length <= 200 ? wordsOf(rows, x, y, color ?? "") : []),
    ];
  }
  // The white rules of errors are told from bars of the darker blue.
  const inColor = { fill: series ?? (kind === "bar" ? "var(--pb-primary)" : INK) };
  const strokes = series ? { stroke: series } : { stroke: INK };
  const marks: Plot.Markish[] = [];
  if (kind === "bar") {
    if (lying)
      marks.push(
        Plot.ruleX([0]),
        Plot.barX(rows, { x: y, y: series ?? x, ...(series && { fy: x }), ...inColor, ...line }),
      );
    else
      marks.push(
        Plot.ruleY([0]),
        Plot.barY(rows, { x: series ?? x, y, ...(series && { fx: x }), ...inColor, ...line }),
      );
  } else if (kind === "line") {
    // Dots that touch would hide the line. What is pointed at is a step, at whatever height.
    if (rows.length * APART > width) marks.push(Plot.lineY(rows, { x, y, ...strokes, tip: "x" }));
    else marks.push(Plot.lineY(rows, { x, y, ...strokes }), Plot.dot(rows, { x, y, ...inColor, tip: "x" }));
  } else {
    marks.push(Plot.dot(rows, { x, y, ...inColor, r: 4, tip: true }));
  }
  if (low && high) {
    const across = kind === "bar" && series ? series : x;
    const facet = kind === "bar" && series ? (lying ? { fy: x } : { fx: x }) : {};
    marks.push(
      lying
        ? Plot.ruleY(rows, { x1: low, x2: high, y: across, ...facet })
        : Plot.ruleX(rows, { x: across, y1: low, y2: high, ...facet }),
    );
  }
  if (label) marks.push(Plot.text(rows, { x, y, text: label, dy: -10 }));
  return marks;
}

/** The numbers in the cells of a heat map, light on the dark ones. */
function wordsOf(rows: Record<string, Json>[], x: string, y: string, color: string): Plot.Markish[] {
  const numbers = rows.map((row) => row[color]).filter((cell) => typeof cell === "number");
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  const dark = (row: Record<string, Json>) => Number(row[color]) > low + DARK * (high - low);
  const words = { x, y, text: shortOf(color) };
  return [
    Plot.text(rows, { ...words, filter: (row) => !dark(row), fill: "#14171b" }),
    Plot.text(rows, { ...words, filter: dark, fill: "#ffffff" }),
  ];
}

const shortOf =
  (field: string) =>
  (row: Record<string, Json>): string => {
    const cell = row[field];
    return typeof cell === "number" ? String(Math.round(cell * 100) / 100) : String(cell ?? "");
  };
