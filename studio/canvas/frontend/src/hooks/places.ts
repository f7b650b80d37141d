// Where things are: between the page, the canvas and the flow; what is in view, and going to a node.

import { type Edge as DrawnEdge, type Viewport, getViewportForBounds, useReactFlow } from "@xyflow/react";
import { type RefObject, useCallback, useEffect, useMemo } from "react";
import { snap } from "../arrange";
import { type Covered, MIDDLE } from "../dock/sizes";
import type { Point } from "../edits";
import { type Shape } from "../layout/boxes";
import { type Fit, fitted, isFitted as stillFitted, sameShape, shows } from "../layout/fitted";
import { WIDTH, boxOf, freeSpot } from "../scene";
import type { Doc } from "../store";
import { motion } from "./motion";
import type { Scene } from "./scene";

export interface Places {
  /** A point of the page, in the flow. */
  toFlow: (x: number, y: number) => Point;
  /** A point of the page, in the canvas's box. */
  inBox: (x: number, y: number) => Point;
  /** Whether a point of the page lies on the canvas, and nothing over it there. */
  onCanvas: (x: number, y: number) => boolean;
  /** A free spot for a node (or what is of another size) near the middle of what is in view, in the flow. */
  centre: (size?: { w: number; h: number }) => Point;
  /** Bring everything into view in a size one can read, within some milliseconds; or (`all`) in whatever size. */
  fit: (duration?: number, all?: boolean) => void;
  /** Whether nobody has moved the view since all of the flow was fitted into it. */
  isFitted: () => boolean;
  /** Fit a view anew that is still the fitted one, if there is more or less room now. Where that would hide the node
   * to `keep`, the view is moved to it instead. */
  refit: (keep?: string) => void;
  /** The part of the canvas, in pixels, over which nothing lies. */
  shape: () => Shape;
  /** The wire at a point of the page that a node could be put on. */
  wireUnder: (x: number, y: number) => DrawnEdge | undefined;
  /** The edges of the part of the canvas over which no dock lies, in its box. */
  bare: () => { left: number; top: number; right: number; bottom: number };
  /** The node at a point of the page. */
  nodeUnder: (x: number, y: number) => string | undefined;
  /** Move the view, if need be, so far that a box can be seen. */
  show: (box: { x: number; y: number; w: number; h: number }) => void;
  /** Show and select a node, or the folded group that it lies in. */
  go: (id: string) => void;
}

/** What lies over the canvas: the bars at its top (in a small window two) and bottom; and a little air at its sides. */
const ROOM = { top: 68, bottom: 64, side: 28 };
/** How much later than it should a movement of the view may end, in ms. */
const ARRIVING = 80;
const top = (): number => (window.innerWidth < MIDDLE ? 112 : ROOM.top);

const views = new Map<string, Viewport>();
const fits = new Map<string, Fit>();
const seenReveals = new Map<string, number>();

export function usePlaces(
  doc: Doc,
  root: RefObject<HTMLDivElement | null>,
  scene: Scene,
  focus: () => void,
  covered: () => Covered,
): Places {
  const flow = useReactFlow();
  const { nodesNow, edgesNow, choose } = scene;
  const toFlow = useCallback((x: number, y: number): Point => flow.screenToFlowPosition({ x, y }), [flow]);
  const box = useCallback(() => root.current?.getBoundingClientRect() ?? new DOMRect(), [root]);
  const inBox = useCallback((x: number, y: number): Point => ({ x: x - box().x, y: y - box().y }), [box]);
  const onCanvas = useCallback(
    (x: number, y: number): boolean => {
      const { left, right, top, bottom } = box();
      const under = covered();
      return x >= left + under.left && x <= right - under.right && y >= top && y <= bottom;
    },
    [box, covered],
  );
  const centre = useCallback(
    (size = { w: WIDTH, h: 112 }): Point => {
      const { x, y, width, height } = box();
      const { left, right } = covered();
      const at = toFlow(x + (left + width - right) / 2, y + height / 2);
      return freeSpot(nodesNow(), { x: snap(at.x - size.w / 2), y: snap(at.y - size.h / 2) }, size);
    },
    [box, covered, nodesNow, toFlow],
  );
  const shape = useCallback((): Shape => {
    const { width, height } = box();
    const { left, right } = covered();
    return { w: Math.max(0, width - left - right - 2 * ROOM.side), h: Math.max(0, height - top() - ROOM.bottom) };
  }, [box, covered]);
  const fit = useCallback(
    (duration = 250, whole = false) => {
      // From our own sizes: React Flow's fitView knows only the nodes that it has measured by now.
      const all = boxOf(nodesNow().filter((n) => !n.hidden));
      const free = shape();
      if (!all || free.w <= 0 || free.h <= 0) return;
      const view = fitted(all, free, { x: covered().left + ROOM.side, y: top() }, whole);
      const takes = motion(duration);
      fits.set(doc.id, { view, free, whole, there: performance.now() + takes.duration + ARRIVING });
      void flow.setViewport(view, takes);
    },
    [covered, doc, flow, nodesNow, shape],
  );
  const bare = useCallback(
    () => ({ left: covered().left, top: 0, right: box().width - covered().right, bottom: box().height }),
    [box, covered],
  );
  const show = useCallback(
    (what: { x: number; y: number; w: number; h: number }) => {
      const { x, y, zoom } = flow.getViewport();
      const { left, right, bottom } = bare();
      const by = (low: number, high: number, from: number, to: number): number =>
        low < from ? from - low : high > to ? Math.max(to - high, from - low) : 0;
      const dx = by(what.x * zoom + x, (what.x + what.w) * zoom + x, left + ROOM.side, right - ROOM.side);
      const dy = by(what.y * zoom + y, (what.y + what.h) * zoom + y, top(), bottom - ROOM.bottom);
      if (dx || dy) void flow.setViewport({ x: x + dx, y: y + dy, zoom }, motion(200));
    },
    [bare, flow],
  );
  const isFitted = useCallback(() => stillFitted(fits.get(doc.id), flow.getViewport(), performance.now()), [doc, flow]);
  const refit = useCallback(
    (keep?: string) => {
      const was = fits.get(doc.id);
      const free = shape();
      if (!was || !isFitted() || sameShape(was.free, free) || free.w <= 0 || free.h <= 0) return;
      const drawn = nodesNow().filter((n) => !n.hidden);
      const all = boxOf(drawn);
      const kept = boxOf(drawn.filter((n) => n.id === keep));
      const corner = { x: covered().left + ROOM.side, y: top() };
      const hides = all && kept && !shows(fitted(all, free, corner, was.whole), kept, free, corner);
      if (hides) show(kept);
      else fit(250, was.whole);
    },
    [covered, doc, fit, isFitted, nodesNow, shape, show],
  );
  /** The id of the topmost drawn thing of a class at a point of the page. */
  const idUnder = useCallback(
    (x: number, y: number, selector: string): string | undefined => {
      const shadow = root.current?.getRootNode() as ShadowRoot | Document | undefined;
      const hit = shadow
        ?.elementsFromPoint(x, y)
        .map((el) => el.closest(selector))
        .find(Boolean);
      return hit?.getAttribute("data-id") ?? undefined;
    },
    [root],
  );
  const wireUnder = useCallback(
    (x: number, y: number): DrawnEdge | undefined => {
      const id = idUnder(x, y, ".react-flow__edge");
      return edgesNow().find((edge) => edge.id === id && edge.reconnectable);
    },
    [edgesNow, idUnder],
  );
  const nodeUnder = useCallback((x: number, y: number) => idUnder(x, y, ".react-flow__node-box"), [idUnder]);
  const go = useCallback(
    (id: string) => {
      const folded = doc.flow.groups.find((g) => g.folded && g.nodes?.includes(id));
      const shown = folded?.id ?? id;
      choose([shown]);
      const room = boxOf(nodesNow().filter((n) => n.id === shown));
      const { height } = box();
      const { left, right } = covered();
      const width = box().width - left - right;
      if (room && width > 0) {
        const bounds = { x: room.x, y: room.y, width: room.w, height: room.h };
        const { x, y, zoom } = getViewportForBounds(bounds, width, height, 0.5, 1.1, 0.4);
        void flow.setViewport({ x: x + left, y, zoom }, motion(250));
      }
      focus();
    },
    [box, choose, covered, doc, flow, focus, nodesNow],
  );
  return useMemo(
    () => ({ toFlow, inBox, onCanvas, centre, fit, isFitted, refit, shape, bare, show, wireUnder, nodeUnder, go }),
    [toFlow, inBox, onCanvas, centre, fit, isFitted, refit, shape, bare, show, wireUnder, nodeUnder, go],
  );
}

/** Go to a node that Python asks for; a higher number asks again. */
export function useReveal(doc: Doc, reveal: [string, number] | undefined, go: (id: string) => void): void {
  useEffect(() => {
    if (!reveal || !doc.ready || seenReveals.get(doc.id) === reveal[1]) return;
    seenReveals.set(doc.id, reveal[1]);
    const timer = setTimeout(() => go(reveal[0]), 60);
    return () => clearTimeout(timer);
  }, [reveal?.[0], reveal?.[1], doc.ready]);
}

/** What was in view when this flow was last shown; and a place to note it. */
export const viewOf = (doc: Doc): Viewport | undefined => views.get(doc.id);
export const keepView = (doc: Doc, view: Viewport): void => void views.set(doc.id, view);
