// What the keyboard does, and the menus that say so.

import type { Edge as DrawnEdge, ReactFlowInstance } from "@xyflow/react";
import { copyText, parsePart, pasteOps, remembered } from "./clipboard";
import type { Entry, Question } from "./chooser";
import {
  Point,
  fitFramesOp,
  groupOp,
  layoutOp,
  leaveOp,
  noteOp,
  nudgeOp,
  possibleWires,
  removeOp,
  wireOp,
} from "./edits";
import { EXPORTS, download } from "./files";
import type { Places } from "./hooks/places";
import type { Scene } from "./hooks/scene";
import { GRID, WIDTH, edgeData } from "./scene";
import { Doc } from "./store";
import { titleOf } from "./types";

export interface Tools {
  doc: Doc;
  flow: ReactFlowInstance;
  scene: Scene;
  places: Places;
  root: () => HTMLElement | null;
  askNode: (at?: Point, spot?: Point) => void;
  pointer: { current: Point | null };
  setQuestion: (q: Question | null) => void;
  setSheet: (on: boolean) => void;
  rename: (id: string) => void;
  open: (id: string) => void;
}
export interface Keys {
  onKeyDown: (event: React.KeyboardEvent) => void;
  onCopy: (event: React.ClipboardEvent) => void;
  onCut: (event: React.ClipboardEvent) => void;
  onPaste: (event: React.ClipboardEvent) => void;
  entries: (id: string | undefined, wire: DrawnEdge | undefined, where: { at: Point; spot: Point }) => (Entry | null)[];
  exports: Entry[];
  undo: () => void;
  redo: () => void;
  find: () => void;
  note: (spot?: Point | "centre") => void;
  layout: () => void;
  fit: () => void;
  group: () => void;
  duplicate: () => void;
  disable: () => void;
  remove: () => void;
  wire: (id?: string) => void;
  add: () => void;
}

const typing = (event: React.SyntheticEvent): boolean =>
  !!(event.target as Element).closest("input, textarea, [contenteditable]");
const ARROWS: Record<string, Point> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
};

export function useKeys(t: Tools): Keys {
  const { doc } = t;
  const { chosen, choose, dispatch, nodesNow } = t.scene;
  const { centre, go, toFlow } = t.places;
  const one = chosen.nodes[0] ?? chosen.notes[0] ?? chosen.groups[0];
  const all = [...chosen.nodes, ...chosen.notes, ...chosen.groups];
  const focused = (): string | undefined => {
    const active = (t.root()?.getRootNode() as ShadowRoot | undefined)?.activeElement;
    return active?.closest(".react-flow__node")?.getAttribute("data-id") ?? undefined;
  };
  const remove = () => dispatch(removeOp(doc, chosen));
  const undo = () => dispatch({ op: "undo" });
  const redo = () => dispatch({ op: "redo" });
  const fit = () => t.places.fit();
  const layout = () => {
    dispatch(layoutOp(doc, nodesNow(), new Set(chosen.nodes.length > 1 ? chosen.nodes : [])));
    setTimeout(fit, 50);
  };
  const note = (spot?: Point | "centre") => {
    const over = t.pointer.current && toFlow(t.pointer.current.x, t.pointer.current.y);
    const made = noteOp(doc, spot === "centre" ? centre() : (spot ?? over ?? centre()));
    dispatch(made.op, [made.id]);
    t.rename(made.id);
  };
  const group = () => {
    if (!chosen.nodes.length) return doc.say("Select the nodes that belong together first.");
    const made = groupOp(doc, chosen.nodes);
    dispatch(made.op, [made.id]);
    t.rename(made.id);
  };
  const ungroup = () => {
    const inside = doc.flow.groups.filter(
      (g) => chosen.groups.includes(g.id) || g.nodes?.some((n) => chosen.nodes.includes(n)),
    );
    if (inside.length)
      dispatch(
        { op: "remove", groups: inside.map((g) => g.id) },
        inside.flatMap((g) => g.nodes ?? []),
      );
  };
  const disable = () => {
    const nodes = doc.flow.nodes.filter((n) => chosen.nodes.includes(n.id));
    if (nodes.length)
      dispatch({ op: "disable", nodes: nodes.map((n) => n.id), disabled: !nodes.every((n) => n.disabled) });
  };
  const pastePart = (text: string, at: Point | null) => {
    const part = parsePart(text);
    if (!part) return false;
    const made = pasteOps(doc.flow, part, at);
    dispatch(made.op, made.added);
    return true;
  };
  const duplicate = () => {
    const before = remembered();
    const text = copyText(doc.flow, new Set(all));
    if (text) pastePart(text, null);
    else if (before) return;
  };
  const find = () =>
    t.setQuestion({
      title: "Find a node",
      placeholder: "Title, id or kind",
      empty: "There are no nodes yet.",
      pick: go,
      choices: doc.flow.nodes.map((n) => ({ key: n.id, title: titleOf(n), detail: `${n.id} · ${n.kind}` })),
    });
  const wire = (id = one ?? focused()) => {
    if (!id) return doc.say("Select a node first, then wire it.");
    const wires = possibleWires(doc, id);
    t.setQuestion({
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
  const add = () => t.askNode();
  const exports: Entry[] = doc.exports
    ? EXPORTS.map(([form, label]) => ({ label, run: () => void download(doc, form) }))
    : [];

  const plain: Record<string, () => void> = {
    n: add,
    w: () => wire(),
    m: () => note(),
    l: layout,
    f: fit,
    e: disable,
    "?": () => t.setSheet(true),
    Delete: remove,
    Backspace: remove,
    F2: () => one && t.rename(one),
    Escape: () => choose([]),
    "+": () => void t.flow.zoomIn({ duration: 120 }),
    "=": () => void t.flow.zoomIn({ duration: 120 }),
    "-": () => void t.flow.zoomOut({ duration: 120 }),
  };
  const control: Record<string, () => void> = {
    z: undo,
    y: redo,
    "shift z": redo,
    a: () =>
      choose(
        nodesNow()
          .filter((n) => !n.hidden)
          .map((n) => n.id),
        [],
      ),
    d: duplicate,
    f: find,
    k: find,
    g: group,
    "shift g": ungroup,
    s: () => doc.command("save"),
    Enter: () => doc.command("run"),
  };
  const looking = new Set(["f", "?", "+", "-", "=", "Escape"]);

  const onKeyDown = (event: React.KeyboardEvent) => {
    if (typing(event)) return void event.stopPropagation();
    const ctrl = event.ctrlKey || event.metaKey;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    // Streamlit has keys of its own (r reruns, c clears caches); none of them should fire from here.
    if (!ctrl && event.key !== "Tab") event.stopPropagation();
    if (event.altKey) return;
    let action: (() => void) | undefined;
    if (ctrl) action = control[event.shiftKey ? `shift ${key}` : key];
    else if (key in ARROWS) {
      if (!all.length) return;
      const by = ARROWS[key],
        far = event.shiftKey ? GRID * 4 : GRID;
      action = () => {
        const op = nudgeOp(
          doc,
          nodesNow().filter((n) => n.selected),
          { x: by.x * far, y: by.y * far },
        );
        if (op) doc.dispatch(op, `nudge ${all.join(" ")}`);
      };
    } else if (key === "Enter" || key === " ") {
      if ((event.target as Element).closest("button")) return;
      const id = focused();
      const shut = chosen.nodes.includes(id ?? "");
      action = id
        ? () => (key === "Enter" && shut ? t.open(id) : (choose([id]), key === "Enter" && t.open(id)))
        : undefined;
    } else action = plain[key];
    if (!action || (doc.readonly && !looking.has(key) && !(ctrl && (key === "f" || key === "k" || key === "a"))))
      return;
    event.preventDefault();
    event.stopPropagation();
    action();
  };

  const onCopy = (event: React.ClipboardEvent) => {
    if (typing(event)) return;
    const text = copyText(doc.flow, new Set(all));
    if (!text) return;
    event.clipboardData.setData("text/plain", text);
    event.preventDefault();
    doc.say(`Copied ${chosen.nodes.length || all.length} ${all.length === 1 ? "node" : "nodes"}.`);
  };
  const onCut = (event: React.ClipboardEvent) => {
    if (typing(event) || doc.readonly) return;
    onCopy(event);
    remove();
  };
  const onPaste = (event: React.ClipboardEvent) => {
    if (typing(event) || doc.readonly) return;
    const text = event.clipboardData.getData("text/plain");
    event.preventDefault();
    const at = t.pointer.current && toFlow(t.pointer.current.x, t.pointer.current.y);
    const spot = at && { x: Math.round(at.x / GRID) * GRID, y: Math.round(at.y / GRID) * GRID };
    if (!pastePart(text || remembered(), spot)) doc.say("The clipboard holds no part of a flow.");
  };

  const entries = (
    id: string | undefined,
    line: DrawnEdge | undefined,
    where: { at: Point; spot: Point },
  ): (Entry | null)[] => {
    if (line)
      return [
        {
          label: "Delete wire",
          keys: "Del",
          danger: true,
          run: () => dispatch({ op: "disconnect", ...edgeData(line) }),
        },
      ];
    const node = doc.flow.nodes.find((n) => n.id === id);
    const folded = doc.flow.groups.find((g) => g.id === id);
    const many = chosen.nodes.includes(id ?? "") && all.length > 1;
    const mine = many ? all : [id ?? ""];
    const drop = () =>
      dispatch(
        removeOp(
          doc,
          many
            ? chosen
            : {
                nodes: node ? mine : [],
                notes: !node && !folded ? mine : [],
                groups: folded ? mine : [],
                edges: [],
              },
        ),
      );
    const twice = () => void pastePart(copyText(doc.flow, new Set(mine)), null);
    if (node) {
      return [
        { label: "Open", keys: "Enter", run: () => t.open(node.id) },
        { label: "Rename", keys: "F2", run: () => t.rename(node.id) },
        { label: "Wire…", keys: "W", run: () => wire(node.id) },
        null,
        { label: "Run up to here", run: () => doc.command("run_to", node.id) },
        { label: "Run again from here", run: () => doc.command("rerun_from", node.id) },
        null,
        { label: "Duplicate", keys: "Ctrl D", run: twice },
        {
          label: node.disabled ? "Enable" : "Disable",
          keys: "E",
          run: () => dispatch({ op: "disable", nodes: many ? chosen.nodes : [node.id], disabled: !node.disabled }),
        },
        ...(doc.flow.groups.some((g) => g.nodes?.includes(node.id))
          ? [{ label: "Take out of the group", run: () => dispatch(leaveOp(doc, many ? chosen.nodes : [node.id])) }]
          : []),
        {
          label: "Group",
          keys: "Ctrl G",
          run: many
            ? group
            : () => {
                const made = groupOp(doc, [node.id]);
                dispatch(made.op, [made.id]);
              },
        },
        null,
        { label: "Delete", keys: "Del", danger: true, run: drop },
      ];
    }
    if (folded) {
      return [
        {
          label: folded.folded ? "Unfold" : "Fold",
          run: () => dispatch({ op: "edit_group", group: folded.id, folded: !folded.folded }),
        },
        { label: "Rename", keys: "F2", run: () => t.rename(folded.id) },
        {
          label: "Fit the frame to its nodes",
          off: !doc.flow.layout[folded.id]?.w,
          run: () => dispatch(fitFramesOp(doc, [folded.id])),
        },
        { label: "Ungroup", keys: "Ctrl Shift G", run: () => dispatch({ op: "remove", groups: [folded.id] }) },
        null,
        {
          label: "Delete with its nodes",
          danger: true,
          run: () =>
            dispatch({ op: "remove", groups: [folded.id], ...(folded.nodes?.length && { nodes: folded.nodes }) }),
        },
      ];
    }
    if (id) {
      return [
        { label: "Edit", keys: "F2", run: () => t.rename(id) },
        { label: "Duplicate", keys: "Ctrl D", run: twice },
        null,
        { label: "Delete", keys: "Del", danger: true, run: drop },
      ];
    }
    return [
      {
        label: "Add a node…",
        keys: "N",
        run: () => t.askNode(where.at, { x: where.spot.x - WIDTH / 2, y: where.spot.y - 20 }),
      },
      { label: "Sticky note", keys: "M", run: () => note(where.spot) },
      { label: "Paste", keys: "Ctrl V", off: !remembered(), run: () => void pastePart(remembered(), where.spot) },
      null,
      { label: "Select all", keys: "Ctrl A", run: control.a },
      { label: "Lay out", keys: "L", run: layout },
      { label: "Fit", keys: "F", run: fit },
      { label: "Find…", keys: "Ctrl F", run: find },
      ...(exports.length ? [null, ...exports] : []),
    ];
  };
  return {
    onKeyDown,
    onCopy,
    onCut,
    onPaste,
    entries,
    exports,
    undo,
    redo,
    find,
    note,
    layout,
    fit,
    group,
    duplicate,
    disable,
    remove,
    wire,
    add,
  };
}
