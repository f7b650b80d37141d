// What a right click offers: on a wire, a node, a group, a note, or the empty canvas.

import type { Edge as DrawnEdge } from "@xyflow/react";
import type { Entry } from "./chooser";
import { LOAD } from "./documents/nodes";
import { type Point, fitFramesOp, leaveOp, removeOp } from "./edits";
import { under } from "./hooks/adding";
import type { Bench, Tools } from "./hooks/tools";
import type { Group, NodeInstance } from "./model";
import { edgeData } from "./scene";
import { flowIn } from "./types";

/** Where a menu opens: in the canvas's box, and in the flow. */
export interface Where {
  at: Point;
  spot: Point;
  page: Point;
}
type Entries = (Entry | null)[];

export function menuEntries(
  bench: Bench,
  tools: Tools,
  id: string | undefined,
  wire: DrawnEdge | undefined,
  where: Where,
): Entries {
  const { flow } = bench.doc;
  if (wire) return ofWire(bench, wire);
  const node = flow.nodes.find((n) => n.id === id);
  if (node) return ofNode(bench, tools, node);
  const group = flow.groups.find((g) => g.id === id);
  if (group) return ofGroup(bench, group);
  return id ? ofNote(bench, tools, id) : ofCanvas(bench, tools, where);
}

function ofWire({ doc, scene, openWire }: Bench, wire: DrawnEdge): Entries {
  const see = () => openWire(edgeData(wire)) || doc.say("Nothing has gone over it yet. Run the flow first.");
  const run = () => scene.dispatch({ op: "disconnect", ...edgeData(wire) });
  return [
    { label: "See what went over it", keys: "Enter", run: () => void see() },
    null,
    { label: "Delete wire", keys: "Del", danger: true, run },
  ];
}

function ofNode({ doc, scene, open, rename, actions }: Bench, tools: Tools, node: NodeInstance): Entries {
  const { chosen, dispatch } = scene;
  const many = chosen.nodes.includes(node.id) && tools.all.length > 1;
  const nodes = many ? chosen.nodes : [node.id];
  const grouped = doc.flow.groups.some((g) => g.nodes?.includes(node.id));
  const only = { nodes: [node.id], notes: [], groups: [], edges: [] };
  return [
    { label: "Open", keys: "Enter", run: () => open(node.id) },
    { label: "Rename", keys: "F2", run: () => rename(node.id) },
    { label: "Wire…", keys: "W", run: () => tools.wire(node.id) },
    null,
    { label: "Run up to here", run: () => doc.command("run_to", node.id) },
    { label: doc.pins.nodes[node.id] ? "Let it run again" : "Pin its value", run: () => void tools.pin(nodes) },
    { label: "Give it a value…", run: () => actions.give(node.id) },
    ...(flowIn(node) ? [{ label: "Go into its flow", run: () => actions.enter(flowIn(node)) }] : []),
    { label: "Run again from here", run: () => doc.command("rerun_from", node.id) },
    ...(node.kind === LOAD ? [{ label: "See the documents…", run: () => doc.command("documents", node.id) }] : []),
    null,
    { label: "Duplicate", keys: "Ctrl D", run: () => tools.duplicate(many ? tools.all : nodes) },
    {
      label: node.disabled ? "Enable" : "Disable",
      keys: "E",
      run: () => dispatch({ op: "disable", nodes, disabled: !node.disabled }),
    },
    ...(grouped ? [{ label: "Take out of the group", run: () => dispatch(leaveOp(doc, nodes)) }] : []),
    { label: "Group", keys: "Ctrl G", run: () => tools.group(nodes) },
    { label: many ? "Make a flow of them…" : "Make a flow of it…", keys: "S", run: () => tools.makeFlow(nodes) },
    null,
    { label: "Delete", keys: "Del", danger: true, run: () => dispatch(removeOp(doc, many ? chosen : only)) },
  ];
}

function ofGroup({ doc, scene: { dispatch }, rename }: Bench, { id, folded, nodes }: Group): Entries {
  const whole = { groups: [id], ...(nodes?.length && { nodes }) };
  return [
    { label: folded ? "Unfold" : "Fold", run: () => dispatch({ op: "edit_group", group: id, folded: !folded }) },
    { label: "Rename", keys: "F2", run: () => rename(id) },
    {
      label: "Fit the frame to its nodes",
      off: !doc.flow.layout[id]?.w,
      run: () => dispatch(fitFramesOp(doc, [id])),
    },
    { label: "Ungroup", keys: "Ctrl Shift G", run: () => dispatch({ op: "remove", groups: [id] }) },
    null,
    { label: "Delete with its nodes", danger: true, run: () => dispatch({ op: "remove", ...whole }) },
  ];
}

function ofNote({ doc, scene: { chosen, dispatch }, rename }: Bench, tools: Tools, id: string): Entries {
  const many = chosen.notes.includes(id) && tools.all.length > 1;
  const only = { nodes: [], notes: [id], groups: [], edges: [] };
  return [
    { label: "Edit", keys: "F2", run: () => rename(id) },
    { label: "Duplicate", keys: "Ctrl D", run: () => tools.duplicate(many ? tools.all : [id]) },
    null,
    { label: "Delete", keys: "Del", danger: true, run: () => dispatch(removeOp(doc, many ? chosen : only)) },
  ];
}

function ofCanvas({ askNode, documents }: Bench, tools: Tools, { at, spot, page }: Where): Entries {
  const kept = tools.remembered();
  return [
    { label: "Add a node…", keys: "N", run: () => askNode(at, under(spot)) },
    { label: "Add documents…", keys: "O", run: () => documents(page) },
    { label: "Sticky note", keys: "M", run: () => tools.note(spot) },
    { label: "Paste", keys: "Ctrl V", off: !kept, run: () => void tools.paste(kept, spot) },
    null,
    { label: "Select all", keys: "Ctrl A", run: tools.selectAll },
    { label: "Lay out", keys: "L", run: () => void tools.layout() },
    { label: "Fit", keys: "F", run: tools.fit },
    { label: "Find…", keys: "Ctrl F", run: tools.find },
    ...(tools.exports.length ? [null, ...tools.exports] : []),
  ];
}
