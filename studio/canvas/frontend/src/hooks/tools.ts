// What can be done with the canvas, whoever asks for it: a key, a menu, a button of the bars.

import type { ReactFlowInstance } from "@xyflow/react";
import type { Entry, Question } from "../chooser";
import type { Actions } from "../context";
import { copyText, parsePart, pasteOps, remembered } from "../clipboard";
import { NOTE, type Point, groupOp, layoutOp, noteOp, possibleWires, removeOp, wireOp } from "../edits";
import type { Edge, Kind } from "../model";
import { EXPORTS, type Spot, download } from "../files";
import { snap } from "../arrange";
import { freeSpot } from "../scene";
import { starterOp } from "../starter";
import { type Doc, catalog } from "../store";
import { fullScreen } from "./full_screen";
import { type Action, openPalette } from "./palette";
import { wish } from "../pins";
import { titleOf } from "../types";
import type { Places } from "./places";
import type { Scene } from "./scene";

/** What the tools work with. */
export interface Bench {
  doc: Doc;
  flow: ReactFlowInstance;
  scene: Scene;
  places: Places;
  root: () => HTMLElement | null;
  pointer: { current: Point | null };
  askNode: (at?: Point, spot?: Point) => void;
  addAtCentre: (kind: Kind) => void;
  setQuestion: (q: Question | null) => void;
  setSheet: (on: boolean) => void;
  rename: (id: string) => void;
  open: (id: string) => void;
  /** Show all of what went over a wire in the last run; false where nothing did. */
  openWire: (edge: Edge) => boolean;
  /** Let the person choose documents, which are read by a node at a point of the page. */
  documents: (spot: Spot) => void;
  actions: Pick<Actions, "dock" | "palette" | "enter" | "give">;
}

export type Tools = ReturnType<typeof useTools>;

export function useTools(bench: Bench) {
  const { doc } = bench;
  const { chosen, choose, dispatch, nodesNow } = bench.scene;
  const { centre, fit: fitWithin, go, toFlow } = bench.places;
  const one = chosen.nodes[0] ?? chosen.notes[0] ?? chosen.groups[0];
  const all = [...chosen.nodes, ...chosen.notes, ...chosen.groups];

  /** The node that has the keyboard's focus. */
  const focused = (): string | undefined => {
    const active = (bench.root()?.getRootNode() as ShadowRoot | undefined)?.activeElement;
    return active?.closest(".react-flow__node")?.getAttribute("data-id") ?? undefined;
  };
  /** Where the pointer is, in the flow. */
  const pointed = (): Point | null => {
    const { current } = bench.pointer;
    return current && toFlow(current.x, current.y);
  };
  const remove = () => dispatch(removeOp(doc, chosen));
  const undo = () => dispatch({ op: "undo" });
  const redo = () => dispatch({ op: "redo" });
  /** In a size that can be read; asked for again, all of it. */
  const fit = () => {
    const before = bench.flow.getViewport();
    fitWithin();
    setTimeout(() => {
      const now = bench.flow.getViewport();
      const same =
        Math.abs(now.x - before.x) + Math.abs(now.y - before.y) < 2 && Math.abs(now.zoom - before.zoom) < 0.005;
      if (same) fitWithin(250, true);
    }, 320);
  };
  const selectAll = () => {
    const shown = nodesNow().filter((n) => !n.hidden);
    choose(shown.map((n) => n.id));
  };
  const layout = async () => {
    const only = new Set(chosen.nodes.length > 1 ? chosen.nodes : []);
    try {
      dispatch(await layoutOp(doc, nodesNow(), only, bench.places.shape()));
      setTimeout(fitWithin, 50);
    } catch (error) {
      doc.say(error instanceof Error ? error.message : String(error));
    }
  };
  /** A note where the pointer is, or as near to it as nothing lies. */
  const note = (spot: Point | "centre" | null = pointed()) => {
    const at =
      spot && spot !== "centre" ? freeSpot(nodesNow(), { x: snap(spot.x), y: snap(spot.y) }, NOTE) : centre(NOTE);
    const made = noteOp(doc, at);
    dispatch(made.op, [made.id]);
    bench.places.show({ ...at, ...NOTE });
    bench.rename(made.id);
  };
  const group = (nodes: string[] = chosen.nodes) => {
    if (!nodes.length) return doc.say("Select the nodes that belong together first.");
    const made = groupOp(doc, nodes);
    dispatch(made.op, [made.id]);
    bench.rename(made.id);
  };
  const ungroup = () => {
    const mine = (id: string) => chosen.nodes.includes(id);
    const groups = doc.flow.groups.filter((g) => chosen.groups.includes(g.id) || g.nodes?.some(mine));
    const freed = groups.flatMap((g) => g.nodes ?? []);
    if (groups.length) dispatch({ op: "remove", groups: groups.map((g) => g.id) }, freed);
  };
  const disable = () => {
    const nodes = doc.flow.nodes.filter((n) => chosen.nodes.includes(n.id));
    const disabled = !nodes.every((n) => n.disabled);
    if (nodes.length) dispatch({ op: "disable", nodes: nodes.map((n) => n.id), disabled });
  };
  /** Have the nodes give what they gave in the last run instead of being run; or let them run again. */
  const pin = async (ids: string[] = chosen.nodes) => {
    if (!ids.length) return doc.say("Select the nodes whose values should be pinned first.");
    const held = ids.every((id) => doc.pins.nodes[id]);
    const said = await wish(doc, held ? { unpin: ids } : { pin: ids });
    if (said) doc.say(said);
  };
  /** Let Python save the nodes as a flow of their own, and run it by one node in their place. */
  const makeFlow = (nodes: string[] = chosen.nodes) => {
    const last = doc.flow.nodes.filter((n) => nodes.includes(n.id)).at(-1);
    if (!last) return doc.say("Select the nodes that become a flow of their own first.");
    const ids = [...nodes, ...chosen.notes];
    bench.setQuestion({
      title: "Make a flow of the selection",
      placeholder: "What is it called?",
      empty: "",
      choices: [{ key: titleOf(last), title: titleOf(last), detail: "Call it that" }],
      typed: (title) => ({ title, detail: "Call it that" }),
      pick: (name) => doc.command("make_flow", JSON.stringify({ ids, name })),
    });
  };
  /** Add a part of a flow; false where the text holds none. */
  const paste = (text: string, at: Point | null): boolean => {
    const part = parsePart(text);
    if (!part) return false;
    const made = pasteOps(doc.flow, part, at, nodesNow());
    dispatch(made.op, made.added);
    if (made.box) bench.places.show(made.box);
    return true;
  };
  const duplicate = (ids: string[] = all) => {
    const text = copyText(doc.flow, new Set(ids));
    if (text) paste(text, null);
  };
  const find = () =>
    bench.setQuestion({
      title: "Find a node",
      placeholder: "Title, id or kind",
      empty: "There are no nodes yet.",
      pick: go,
      choices: doc.flow.nodes.map((n) => ({ key: n.id, title: titleOf(n), detail: `${n.id} · ${n.kind}` })),
    });
  const wire = (id = one ?? focused()) => {
    if (!id) return doc.say("Select a node first, then wire it.");
    const wires = possibleWires(doc, id);
    bench.setQuestion({
      title: "Draw a wire",
      placeholder: "From or to which port?",
      empty: "Nothing on the canvas fits this node's ports.",
      choices: wires,
      pick: (key) => {
        const found = wires.find((w) => w.key === key);
        if (found) dispatch(wireOp(doc, found.a, found.b, false));
      },
    });
  };
  const add = () => bench.askNode();
  const blank = !doc.readonly && !doc.flow.nodes.length && !doc.flow.notes.length;
  const made = blank ? starterOp(catalog.byKind, new Set()) : null;
  const starter =
    made &&
    (() => {
      dispatch(made.op);
      setTimeout(fitWithin, 50);
    });
  const exports: Entry[] = doc.at("export")
    ? EXPORTS.map(([form, label]) => ({ label, run: () => void download(doc, form) }))
    : [];
  const copied = (): string => copyText(doc.flow, new Set(all));
  const actions = (): Action[] => [
    { title: "Run", keys: "Ctrl Enter", run: () => doc.command("run") },
    { title: "Add a node", keys: "N", run: add },
    { title: "Undo", keys: "Ctrl Z", run: undo },
    { title: "Redo", keys: "Ctrl Shift Z", run: redo },
    { title: "Lay out", keys: "L", words: ["arrange", "tidy"], run: () => void layout() },
    { title: "Fit", keys: "F", words: ["zoom", "everything"], run: fit },
    { title: "Sticky note", keys: "M", run: () => note("centre") },
    { title: "Group", keys: "Ctrl G", run: () => group() },
    { title: "Make a flow of the selection", keys: "S", words: ["subflow", "extract", "nest"], run: () => makeFlow() },
    { title: "Duplicate", keys: "Ctrl D", run: () => duplicate() },
    { title: "Disable or enable", keys: "E", run: disable },
    { title: "Pin or let go of values", words: ["pin", "freeze", "keep", "cache"], run: () => void pin() },
    {
      title: "Give a node a value by hand",
      words: ["pin", "replace", "mock"],
      run: () => (one ? bench.actions.give(one) : doc.say("Select the node first.")),
    },
    { title: "Draw a wire", keys: "W", run: () => wire() },
    { title: "Delete", keys: "Del", run: remove },
    { title: "Select all", keys: "Ctrl A", run: selectAll },
    { title: "Show or fold the dock", keys: "I", words: ["settings", "inspector"], run: bench.actions.dock },
    { title: "Show or hide the palette", keys: "P", run: bench.actions.palette },
    { title: "Full screen", keys: "V", words: ["zen", "maximize"], run: () => void fullScreen() },
    { title: "Save now", keys: "Ctrl S", run: () => doc.command("save") },
    { title: "Shortcuts", keys: "?", words: ["help", "keys"], run: () => bench.setSheet(true) },
    ...exports.map((entry) => ({ title: `Export: ${entry.label}`, run: entry.run })),
  ];
  return {
    ...{ one, all, focused, pointed, remove, undo, redo, fit, selectAll, layout, note, group, ungroup, disable },
    ...{ pin, makeFlow, starter: starter ?? undefined, palette: () => openPalette(bench, actions()) },
    ...{ paste, copied, remembered, duplicate, find, wire, add, exports },
  };
}
