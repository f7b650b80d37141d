// What floats above the canvas: tools, zoom, what can be done with a selection, and the first steps.

import { Node as DrawnNode, useReactFlow, useStore } from "@xyflow/react";
import { useMemo, useSyncExternalStore } from "react";
import { Alignment, align } from "./arrange";
import { Chosen, moveOp } from "./edits";
import { Icon, IconName } from "./icons";
import { motion } from "./hooks/motion";
import type { Tools } from "./hooks/tools";
import { Op, Port } from "./model";
import type { Covered } from "./dock/sizes";
import { Doc, catalog } from "./store";
import { trail } from "./trail";
import { colorOf, outlineOf, portsOf } from "./types";

function Tool({
  icon,
  label,
  keys,
  onClick,
  off,
}: {
  icon: IconName;
  label: string;
  keys?: string;
  onClick: (event: React.MouseEvent) => void;
  off?: boolean;
}) {
  return (
    <button
      className="pb-tool"
      aria-label={label}
      title={keys ? `${label} (${keys})` : label}
      onClick={onClick}
      disabled={off}
    >
      <Icon name={icon} />
    </button>
  );
}

interface Props {
  doc: Doc;
  chosen: Chosen;
  tools: Tools;
  drawn: () => DrawnNode[];
  dispatch: (op: Op | null) => void;
  paletteShut: boolean;
  onPalette: () => void;
  onHelp: () => void;
  onExport: (event: React.MouseEvent) => void;
}

export function Bars({ doc, chosen, tools, drawn, dispatch, paletteShut, onPalette, onHelp, onExport }: Props) {
  const flow = useReactFlow();
  const zoom = useStore((state) => Math.round(state.transform[2] * 100));
  const back = trail.cameFrom();
  useSyncExternalStore(doc.pinned.subscribe, () => doc.pins);
  const pinned = Object.keys(doc.pins.nodes);
  const several = chosen.nodes.length + chosen.notes.length > 1;
  const arrange = (how: Alignment) =>
    dispatch(
      moveOp(
        align(
          drawn().filter((n) => n.selected && n.type !== "group_"),
          how,
        ),
      ),
    );
  return (
    <>
      {!doc.readonly && (
        <div className="pb-bar top" role="toolbar" aria-label="Edit">
          {back && (
            <button
              type="button"
              className="pb-tool wide back"
              title="Back to the flow that runs this one"
              onClick={() => doc.command("open", trail.goBack()?.from ?? back.from)}
            >
              ← {back.title}
            </button>
          )}
          {paletteShut && <Tool icon="panel" label="Show the palette" keys="P" onClick={onPalette} />}
          <Tool icon="plus" label="Add a node" keys="N" onClick={tools.add} />
          <i />
          <Tool icon="undo" label="Undo" keys="Ctrl Z" onClick={tools.undo} off={!doc.undo[0]} />
          <Tool icon="redo" label="Redo" keys="Ctrl Shift Z" onClick={tools.redo} off={!doc.undo[1]} />
          <i />
          <Tool icon="note" label="Sticky note" keys="M" onClick={() => tools.note("centre")} />
          <Tool
            icon="layout"
            label="Lay out"
            keys="L"
            onClick={() => void tools.layout()}
            off={!doc.flow.nodes.length}
          />
          <Tool icon="bolt" label="Commands" keys="Ctrl K" onClick={tools.palette} />
          <Tool icon="search" label="Find a node" keys="Ctrl F" onClick={tools.find} off={!doc.flow.nodes.length} />
          {doc.at("export") && <Tool icon="download" label="Export" onClick={onExport} />}
          {pinned.length > 0 && (
            <button
              type="button"
              className="pb-tool wide pb-pins"
              title="Let these nodes run again"
              onClick={() => void tools.pin(pinned)}
            >
              {pinned.length} pinned
            </button>
          )}
          <Tool icon="help" label="Shortcuts" keys="?" onClick={onHelp} />
        </div>
      )}
      {several && !doc.readonly && (
        <div className="pb-bar selection" role="toolbar" aria-label="Selection">
          <span>{chosen.nodes.length + chosen.notes.length} selected</span>
          <i />
          <Tool icon="left" label="Align left" onClick={() => arrange("left")} />
          <Tool icon="top" label="Align top" onClick={() => arrange("top")} />
          <Tool icon="spread" label="Spread across" onClick={() => arrange("across")} />
          <Tool icon="stack" label="Spread down" onClick={() => arrange("down")} />
          <i />
          <Tool icon="group" label="Group" keys="Ctrl G" onClick={() => tools.group()} off={!chosen.nodes.length} />
          <Tool icon="copy" label="Duplicate" keys="Ctrl D" onClick={() => tools.duplicate()} />
          <Tool icon="power" label="Disable or enable" keys="E" onClick={tools.disable} off={!chosen.nodes.length} />
          <Tool icon="trash" label="Delete" keys="Del" onClick={tools.remove} />
        </div>
      )}
      <div className="pb-bar zoom" role="toolbar" aria-label="Zoom">
        <Tool icon="minus" label="Zoom out" keys="−" onClick={() => void flow.zoomOut(motion(120))} />
        <button className="pb-tool wide" title="Zoom to 100 %" onClick={() => void flow.zoomTo(1, motion(120))}>
          {zoom} %
        </button>
        <Tool icon="plus" label="Zoom in" keys="+" onClick={() => void flow.zoomIn(motion(120))} />
        <Tool icon="fit" label="Fit everything" keys="F" onClick={tools.fit} />
      </div>
      <Legend doc={doc} />
      {doc.conflict && (
        <div className="pb-conflict" role="alert">
          <span>{doc.conflict} Nothing has been overwritten.</span>
          <button onClick={() => doc.command("keep_mine")}>Keep mine</button>
          <button onClick={() => doc.command("take_theirs")}>Take theirs</button>
        </div>
      )}
    </>
  );
}

/** What the outlines and colors of the ports mean that are in this flow. */
function Legend({ doc }: { doc: Doc }) {
  const { flow, views } = doc;
  const shown = useMemo(() => given(doc), [doc, flow.nodes, flow.edges, views, catalog.byKind]);
  if (!shown.length) return null;
  return (
    <ul className="pb-legend" aria-label="What the ports give">
      {shown.map(([type, port]) => (
        <li key={type}>
          <span
            className={`pb-mark ${outlineOf(port.types)}`}
            style={{ "--c": colorOf(port.types) } as React.CSSProperties}
          />
          {type}
        </li>
      ))}
    </ul>
  );
}

/** A port of each type that the flow's nodes give, in the order of their outlines. */
function given(doc: Doc): [type: string, port: Port][] {
  const found = new Map<string, Port>();
  for (const node of doc.flow.nodes)
    for (const port of portsOf(doc, node).outputs) {
      const [type = ""] = port.types;
      if (type && port.types.length < 4 && type !== "any") found.set(type.split("/")[0], port);
    }
  const order = ["plain", "record", "model", "tool"];
  const shown = [...found].sort(
    ([, a], [, b]) => order.indexOf(outlineOf(a.types)) - order.indexOf(outlineOf(b.types)),
  );
  return shown.slice(0, 9);
}

/** What an empty canvas says, in the middle of what palette and dock leave. */
export function Empty({ readonly, start, covered }: { readonly: boolean; start?: () => void; covered: Covered }) {
  if (readonly)
    return (
      <div className="pb-empty">
        <h3>This flow is empty</h3>
      </div>
    );
  return (
    <div className="pb-empty" style={covered}>
      <svg width="232" height="92" viewBox="0 0 232 92" fill="none" aria-hidden="true">
        <path d="M84 34 C118 34 114 58 148 58" stroke="var(--pb-green)" strokeWidth="2.5" />
        <rect x="8" y="10" width="76" height="46" rx="9" />
        <rect x="148" y="34" width="76" height="46" rx="9" />
        <path d="M8 26h76M148 50h76" className="line" />
        <circle cx="84" cy="34" r="5" fill="var(--pb-green)" />
        <circle cx="148" cy="58" r="5" fill="var(--pb-green)" />
      </svg>
      <h3>Draw your first flow</h3>
      {start && (
        <button type="button" className="pb-start" onClick={start}>
          Start with these five
          <small>a question, a prompt, a local model, and its answer: it runs</small>
        </button>
      )}
      <ol>
        <li>
          <b>Drag a node</b> from the left onto this canvas, or double-click here to pick one.
        </li>
        <li>
          <b>Pull a wire</b> from the dot on its right; dots that fit light up. Let go on empty canvas to see what fits.
        </li>
        <li>
          <b>Press Run</b> and watch the answer stream.
        </li>
      </ol>
      <p>
        Press <kbd>?</kbd> for all shortcuts.
      </p>
    </div>
  );
}
