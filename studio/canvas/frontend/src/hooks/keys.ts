// What the keyboard and the clipboard do.

import { snap } from "../arrange";
import { type Point, nudgeOp } from "../edits";
import { edgeKey } from "../model";
import { GRID } from "../scene";
import { fullScreen } from "./full_screen";
import { motion } from "./motion";
import { wireOf } from "./peeking";
import type { Bench, Tools } from "./tools";

const typing = (event: React.SyntheticEvent): boolean =>
  !!(event.target as Element).closest("input, textarea, [contenteditable]");
const ARROWS: Record<string, Point> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
};
/** Keys that change nothing: they work on a flow that is only shown. */
const LOOKING = new Set(["f", "v", "i", "?", "+", "-", "=", "Escape", "Enter"]);
const LOOKING_WITH_CONTROL = new Set(["f", "k", "a"]);

type Pressed = Pick<KeyboardEvent, "shiftKey" | "target" | "preventDefault" | "stopPropagation">;

export function useKeys(bench: Bench, tools: Tools) {
  const { doc, flow, open, rename } = bench;
  const { chosen, choose, nodesNow } = bench.scene;
  const { one, all } = tools;

  const zoomIn = () => void flow.zoomIn(motion(120));
  const plain: Record<string, () => void> = {
    n: tools.add,
    w: () => tools.wire(),
    o: () => bench.documents(bench.pointer.current),
    m: () => tools.note(),
    l: () => void tools.layout(),
    f: tools.fit,
    v: () => void fullScreen(),
    e: tools.disable,
    s: () => tools.makeFlow(),
    "?": () => bench.setSheet(true),
    i: () => bench.actions.dock(),
    p: () => bench.actions.palette(),
    Delete: tools.remove,
    Backspace: tools.remove,
    F2: () => one && rename(one),
    Escape: () => choose([]),
    "+": zoomIn,
    "=": zoomIn,
    "-": () => void flow.zoomOut(motion(120)),
  };
  const control: Record<string, () => void> = {
    z: tools.undo,
    y: tools.redo,
    "shift z": tools.redo,
    a: tools.selectAll,
    d: () => tools.duplicate(),
    f: tools.find,
    k: tools.palette,
    g: () => tools.group(),
    "shift g": tools.ungroup,
    s: () => doc.command("save"),
    Enter: () => doc.command("run"),
  };
  const nudge = (by: Point) => {
    const selected = nodesNow().filter((n) => n.selected);
    const op = nudgeOp(doc, selected, by);
    if (op) doc.dispatch(op, `nudge ${all.join(" ")}`);
  };
  /** Select the node that has the focus; Enter opens it too, and at once where it is selected. */
  const enter = (id: string, opens: boolean) => {
    const shut = chosen.nodes.includes(id);
    if (!opens || !shut) choose([id]);
    if (opens) open(id);
  };
  const actionOf = (event: Pressed, key: string, ctrl: boolean): (() => void) | undefined => {
    if (ctrl) return control[event.shiftKey ? `shift ${key}` : key];
    if (key in ARROWS) {
      const step = event.shiftKey ? GRID * 4 : GRID;
      return all.length ? () => nudge({ x: ARROWS[key].x * step, y: ARROWS[key].y * step }) : undefined;
    }
    const wire = key === "Enter" && (event.target as Element).closest?.(".react-flow__edge");
    const edge = wire && wireOf(doc, wire);
    if (edge) return () => void (bench.openWire(edge) || choose([], [edgeKey(edge)]));
    if (key === "Enter" || key === " ") {
      const id = (event.target as Element).closest?.("button") ? undefined : tools.focused();
      return id === undefined ? undefined : () => enter(id, key === "Enter");
    }
    return plain[key];
  };

  /** Do what a key means here, whoever heard it. */
  const press = (event: Pressed, key: string, ctrl: boolean) => {
    const action = actionOf(event, key, ctrl);
    if (!action || (doc.readonly && !(ctrl ? LOOKING_WITH_CONTROL : LOOKING).has(key))) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (typing(event)) return void event.stopPropagation();
    const ctrl = event.ctrlKey || event.metaKey;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    // Streamlit has keys of its own (r reruns, c clears caches); none of them should fire from here.
    if (!ctrl && event.key !== "Tab") event.stopPropagation();
    if (event.altKey) return;
    press(event, key, ctrl);
  };
  const onCopy = (event: React.ClipboardEvent) => {
    const text = typing(event) ? "" : tools.copied();
    if (!text) return;
    event.clipboardData.setData("text/plain", text);
    event.preventDefault();
    doc.say(`Copied ${chosen.nodes.length || all.length} ${all.length === 1 ? "node" : "nodes"}.`);
  };
  const onCut = (event: React.ClipboardEvent) => {
    if (typing(event) || doc.readonly) return;
    onCopy(event);
    tools.remove();
  };
  const onPaste = (event: React.ClipboardEvent) => {
    if (typing(event) || doc.readonly) return;
    event.preventDefault();
    const at = tools.pointed();
    const spot = at && { x: snap(at.x), y: snap(at.y) };
    const text = event.clipboardData.getData("text/plain") || tools.remembered();
    if (!tools.paste(text, spot)) doc.say("The clipboard holds no part of a flow.");
  };
  return { onKeyDown, press, onCopy, onCut, onPaste };
}
