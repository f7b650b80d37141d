// What lies on the canvas beside nodes: wires, sticky notes, and groups.

import { BaseEdge, EdgeProps, Handle, NodeProps, NodeResizer, Position, getBezierPath } from "@xyflow/react";
import { memo, useEffect, useLayoutEffect, useRef, useSyncExternalStore } from "react";
import { useShared, useStatus } from "./context";
import { Icon } from "./icons";
import { along } from "./layout/lanes";
import { type Part, wordsElement } from "./live/words";
import { Edge, Group, Note, nodeOf } from "./model";

export const WireLine = memo(function WireLine(props: EdgeProps) {
  const { ui, lanes } = useShared();
  const edge = props.data?.edge as Edge;
  const giving = useStatus(nodeOf(edge.from))?.status;
  const taking = useStatus(nodeOf(edge.to))?.status;
  const aimed = useSyncExternalStore(ui.subscribe, () => ui.dropWire === props.id);
  const lane = useSyncExternalStore(lanes.subscribe, () => lanes.get(props.id));
  const path = lane ? along(lane, props.sourceX, props.sourceY, props.targetX, props.targetY) : getBezierPath(props)[0];
  const live = giving === "running" || (taking === "running" && (giving === "done" || giving === "cached"));
  const state = `${live ? "live" : ""} ${giving === "skipped" ? "dim" : ""} ${aimed ? "aimed" : ""}`;
  return (
    <>
      <path d={path} className="pb-wire-halo" fill="none" />
      <BaseEdge
        path={path}
        className={`pb-wire ${props.data?.outline as string} ${state}`}
        interactionWidth={props.interactionWidth}
        style={{ "--c": props.data?.color as string } as React.CSSProperties}
      />
    </>
  );
});

function Resizer({ id, shown }: { id: string; shown: boolean }) {
  const { doc } = useShared();
  return (
    <NodeResizer
      isVisible={shown}
      minWidth={128}
      minHeight={64}
      lineClassName="pb-resize-line"
      handleClassName="pb-resize"
      onResizeEnd={(_event, size) =>
        doc.dispatch({
          op: "move",
          places: {
            [id]: {
              x: Math.round(size.x),
              y: Math.round(size.y),
              w: Math.round(size.width),
              h: Math.round(size.height),
            },
          },
        })
      }
    />
  );
}

const COLORS: Note["color"][] = ["yellow", "blue", "green", "pink", "gray"];

export const NoteBox = memo(function NoteBox({ id, data, selected }: NodeProps) {
  const { doc, ui, actions } = useShared();
  const note = data.note as Note;
  const editing = useSyncExternalStore(ui.subscribe, () => ui.renaming === id);
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (editing) area.current?.focus();
  }, [editing]);
  const commit = () => {
    const text = area.current?.value ?? "";
    if (text !== (note.text ?? "")) doc.dispatch({ op: "edit_note", note: id, text });
    actions.stopRenaming();
  };
  return (
    <div
      className={`pb-note ${note.color ?? "yellow"} ${selected ? "selected" : ""}`}
      onDoubleClick={() => actions.rename(id)}
    >
      <Resizer id={id} shown={!!selected} />
      {editing ? (
        <textarea
          ref={area}
          className="nodrag nopan nowheel"
          defaultValue={note.text ?? ""}
          aria-label="Text of the note"
          maxLength={20000}
          onBlur={commit}
          onKeyDown={(event) => {
            event.stopPropagation();
            if (event.key === "Escape" || (event.key === "Enter" && (event.ctrlKey || event.metaKey))) commit();
          }}
        />
      ) : (
        <NoteText text={note.text} parts={data.parts as Part[] | undefined} />
      )}
      {selected && !editing && (
        <div className="pb-note-colors nodrag">
          {COLORS.map((color) => (
            <button
              key={color}
              className={`pb-note ${color}`}
              aria-label={`Color ${color}`}
              onClick={() => doc.dispatch({ op: "edit_note", note: id, color })}
            />
          ))}
        </div>
      )}
    </div>
  );
});

/** A note as its Markdown says, once Python has parsed it; until then as it was typed. */
function NoteText({ text, parts }: { text?: string; parts?: Part[] }) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (parts) box.current?.replaceChildren(wordsElement(parts));
  }, [parts]);
  if (text && parts) return <div className="pb-note-text" key="parts" ref={box} />;
  return (
    <div className="pb-note-text" key="plain">
      {text || <em>Double-click to write</em>}
    </div>
  );
}

export const GroupBox = memo(function GroupBox({ id, data, selected }: NodeProps) {
  const { doc, ui, actions } = useShared();
  const group = data.group as Group;
  const editing = useSyncExternalStore(ui.subscribe, () => ui.renaming === id);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (editing) input.current?.select();
  }, [editing]);
  const aimed = useSyncExternalStore(ui.subscribe, () => ui.dropGroup === id);
  const fold = () => doc.dispatch({ op: "edit_group", group: id, folded: !group.folded });
  const commit = () => {
    const title = input.current?.value.trim();
    if (title && title !== group.title) doc.dispatch({ op: "edit_group", group: id, title });
    actions.stopRenaming();
  };
  const count = group.nodes?.length ?? 0;
  return (
    <div className={`pb-group ${group.folded ? "folded" : ""} ${selected ? "selected" : ""} ${aimed ? "aimed" : ""}`}>
      {!group.folded && <Resizer id={id} shown={!!selected && !doc.readonly} />}
      {group.folded && (
        <Handle type="target" position={Position.Left} id="in" isConnectable={false} className="pb-handle many wired" />
      )}
      <div className="pb-group-head">
        <button
          className="pb-tool nodrag"
          onClick={fold}
          aria-label={group.folded ? "Unfold" : "Fold"}
          aria-expanded={!group.folded}
        >
          <Icon name={group.folded ? "chevron" : "fold"} size={14} />
        </button>
        {editing ? (
          <input
            ref={input}
            className="pb-rename nodrag"
            defaultValue={group.title ?? "Group"}
            autoFocus
            maxLength={120}
            aria-label="Title of the group"
            onBlur={commit}
            onKeyDown={(event) => {
              event.stopPropagation();
              if (event.key === "Enter") commit();
              if (event.key === "Escape") actions.stopRenaming();
            }}
          />
        ) : (
          <span className="pb-title" onDoubleClick={() => actions.rename(id)}>
            {group.title ?? "Group"}
          </span>
        )}
        <span className="pb-count">
          {count} {count === 1 ? "node" : "nodes"}
        </span>
      </div>
      {group.folded && (
        <Handle
          type="source"
          position={Position.Right}
          id="out"
          isConnectable={false}
          className="pb-handle many wired"
        />
      )}
    </div>
  );
});
