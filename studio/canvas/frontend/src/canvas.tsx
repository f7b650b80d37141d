// The drawing surface: React Flow, fed from the document, its gestures turned into operations.

import {
  Background, BackgroundVariant, Connection, ConnectionLineType, Edge as DrawnEdge, EdgeChange, FinalConnectionState, MiniMap, Node as DrawnNode,
  NodeChange, OnConnectEnd, ReactFlow, SelectionMode, Viewport, applyEdgeChanges, applyNodeChanges, getViewportForBounds, useReactFlow, useStore,
} from "@xyflow/react";
import { Ref, useCallback, useEffect, useImperativeHandle, useMemo, useRef, useState } from "react";
import { snap } from "./arrange";
import { GroupBox, NoteBox, WireLine } from "./boxes";
import { Chooser, Entry, Menu, Question, Sheet } from "./chooser";
import { useDoc, useShared } from "./context";
import { Chosen, Point, addWired, insertOps, joinOp, moveOp, nodeOp, replugOp, usableKinds, wayForNode, wayThrough, wireOp } from "./edits";
import { Bars, Empty } from "./bars";
import { useStable } from "./hooks";
import { KindIcon } from "./icons";
import { useKeys } from "./keys";
import { Kind, Op, Place, edgeKey } from "./model";
import { NodeBox, NodeData } from "./node";
import { firstSentence } from "./palette";
import { Frame, GRID, WIDTH, boxOf, drawEdges, drawNodes, edgeData, frameGroups, frameUnder, freeSpot, groupData, shifted } from "./scene";
import { Doc } from "./store";
import { Dragged, End, dragFrom, edgeOf, familyColor, fittingPort, portAt, refusal } from "./types";

export interface CanvasHandle {
  addAtCentre(kind: Kind): void;
  aim(kind: Kind, x: number, y: number): void;
  drop(kind: Kind, x: number, y: number): void;
  focus(): void;
}
interface Props {
  doc: Doc; reveal?: [string, number]; onSelect: (value: unknown) => void; ref: Ref<CanvasHandle>;
  paletteShut: boolean; onPalette: () => void;
}

const nodeTypes = { box: NodeBox, note: NoteBox, group_: GroupBox };
const edgeTypes = { wire: WireLine };
const snapGrid: [number, number] = [GRID, GRID];
const manyKeys = ["Meta", "Control", "Shift"];
const overviewColor = (node: DrawnNode): string => (node.type === "box" ? familyColor((node.data as NodeData).kind?.family ?? "") : "var(--pb-line)");
/** Lets go of what was dragged; what lay still keeps its object. */
const letGo = (nodes: DrawnNode[]): DrawnNode[] => (nodes.some((n) => n.dragging) ? nodes.map((n) => (n.dragging ? { ...n, dragging: false } : n)) : nodes);
const views = new Map<string, Viewport>();
const seenReveals = new Map<string, number>();

export function Canvas({ doc, reveal, onSelect, ref, paletteShut, onPalette }: Props) {
  const version = useDoc(doc);
  const far = useStore((state) => state.transform[2] < 0.35);
  const { wiring, ui, actions } = useShared();
  const flow = useReactFlow();
  const root = useRef<HTMLDivElement>(null);
  const pointer = useRef<Point | null>(null);
  const select = useRef<Set<string> | null>(null);
  const shift = useRef(false);
  const replugging = useRef<DrawnEdge | null>(null);
  const dropped = useRef(false);
  const [nodes, setNodes] = useState<DrawnNode[]>(() => drawNodes(doc, [], null));
  const [edges, setEdges] = useState<DrawnEdge[]>(() => drawEdges(doc, []));
  const [question, setQuestion] = useState<Question | null>(null);
  const [menu, setMenu] = useState<{ at: Point; entries: (Entry | null)[] } | null>(null);
  const [sheet, setSheet] = useState(false);
  const latest = useRef(nodes);
  latest.current = nodes;
  const latestEdges = useRef(edges);
  latestEdges.current = edges;

  useEffect(() => {
    const wanted = select.current;
    select.current = null;
    const free = dropped.current ? letGo : (old: DrawnNode[]) => old;
    setNodes((old) => drawNodes(doc, free(old), wanted));
    setEdges((old) => drawEdges(doc, old));
  }, [doc, version]);

  const focus = useCallback(() => root.current?.focus({ preventScroll: true }), []);
  const dispatch = useCallback((op: Op | null, choose?: string[]): boolean => {
    if (!op) return false;
    if (choose) select.current = new Set(choose);
    const done = doc.dispatch(op);
    if (!done) select.current = null;
    focus();
    return done;
  }, [doc, focus]);

  // --- selection ------------------------------------------------------------------------------
  const chosen = useMemo((): Chosen => {
    const of = (type: string) => nodes.filter((n) => n.selected && n.type === type && !n.hidden).map((n) => n.id);
    return { nodes: of("box"), notes: of("note"), groups: of("group_"), edges: edges.filter((e) => e.selected && !e.hidden).map(edgeData) };
  }, [nodes, edges]);
  const chosenText = JSON.stringify({ ...chosen, edges: chosen.edges.map((e) => [e.from, e.to]) });
  const reported = useRef('{"nodes":[],"notes":[],"groups":[],"edges":[]}');
  useEffect(() => {
    const timer = setTimeout(() => {
      if (chosenText === reported.current) return;
      reported.current = chosenText;
      onSelect(JSON.parse(chosenText));
    }, 60);
    return () => clearTimeout(timer);
  }, [chosenText]);
  const choose = useCallback((ids: string[], wires: string[] = []) => {
    const set = new Set(ids), lines = new Set(wires);
    setNodes((old) => old.map((n) => (!!n.selected === set.has(n.id) ? n : { ...n, selected: set.has(n.id) })));
    setEdges((old) => old.map((e) => (!!e.selected === lines.has(e.id) ? e : { ...e, selected: lines.has(e.id) })));
  }, []);

  // --- places ---------------------------------------------------------------------------------
  const toFlow = useCallback((x: number, y: number): Point => flow.screenToFlowPosition({ x, y }), [flow]);
  const centre = useCallback((): Point => {
    const box = root.current!.getBoundingClientRect();
    const at = toFlow(box.x + box.width / 2, box.y + box.height / 2);
    return freeSpot(latest.current, { x: snap(at.x - WIDTH / 2), y: snap(at.y - 60) });
  }, [toFlow]);
  // From our own sizes: React Flow's fitView knows only the nodes that it has measured by now.
  const fit = useCallback((duration = 250) => {
    const box = boxOf(latest.current.filter((n) => !n.hidden));
    const size = root.current?.getBoundingClientRect();
    if (!box || !size) return;
    const bounds = { x: box.x, y: box.y, width: box.w, height: box.h };
    void flow.setViewport(getViewportForBounds(bounds, size.width, size.height, 0.1, 1, 0.08), { duration });
  }, [flow]);
  const inBox = useCallback((x: number, y: number): Point => {
    const box = root.current!.getBoundingClientRect();
    return { x: x - box.x, y: y - box.y };
  }, []);
  const wireUnder = useCallback((x: number, y: number): DrawnEdge | undefined => {
    const shadow = root.current!.getRootNode() as ShadowRoot | Document;
    const hit = shadow.elementsFromPoint(x, y).map((el) => el.closest(".react-flow__edge")).find(Boolean);
    const id = hit?.getAttribute("data-id");
    return latestEdges.current.find((edge) => edge.id === id && edge.reconnectable);
  }, []);
  const go = useCallback((id: string) => {
    const folded = doc.flow.groups.find((g) => g.folded && g.nodes?.includes(id));
    choose([folded?.id ?? id]);
    void flow.fitView({ nodes: [{ id: folded?.id ?? id }], duration: 250, maxZoom: 1.1, minZoom: 0.5, padding: 0.4 });
    focus();
  }, [choose, doc, flow, focus]);
  useEffect(() => {
    if (!reveal || !doc.ready || seenReveals.get(doc.id) === reveal[1]) return;
    seenReveals.set(doc.id, reveal[1]);
    const timer = setTimeout(() => go(reveal[0]), 60);
    return () => clearTimeout(timer);
  }, [reveal?.[0], reveal?.[1], doc.ready]);

  // --- adding ---------------------------------------------------------------------------------
  const add = useCallback((kind: Kind, at: Point, onto?: DrawnEdge) => {
    const made = nodeOp(doc, kind, at);
    const way = onto && wayThrough(doc, edgeData(onto), kind.inputs, kind.outputs);
    const op: Op = way ? { op: "batch", ops: [made.op, ...insertOps(edgeData(onto), made.id, way)], label: `insert ${kind.title}` } : made.op;
    dispatch(op, [made.id]);
  }, [dispatch, doc]);
  useImperativeHandle(ref, () => ({
    focus,
    addAtCentre: (kind) => add(kind, centre()),
    aim(kind, x, y) {
      const edge = wireUnder(x, y);
      const way = edge && wayThrough(doc, edgeData(edge), kind.inputs, kind.outputs);
      ui.set({ dropWire: way ? edge.id : "" });
    },
    drop(kind, x, y) {
      const box = root.current!.getBoundingClientRect();
      ui.set({ dropWire: "" });
      if (x < box.left || x > box.right || y < box.top || y > box.bottom) return;
      const at = toFlow(x, y);
      add(kind, { x: at.x - WIDTH / 2, y: at.y - 20 }, wireUnder(x, y));
    },
  }), [add, centre, doc, focus, toFlow, ui, wireUnder]);
  const kindChoices = useCallback((kinds: Kind[]) => kinds.map((kind) => ({
    key: kind.kind, title: kind.title, detail: firstSentence(kind.doc), color: familyColor(kind.family),
    icon: <KindIcon kind={kind.kind} glyph={kind.icon} />,
  })), []);
  const askNode = useCallback((at?: Point, spot?: Point) => {
    const kinds = usableKinds();
    setQuestion({
      title: "Add a node", placeholder: "What should it do?", empty: "The catalog is empty.", choices: kindChoices(kinds), at,
      pick: (key) => add(kinds.find((k) => k.kind === key)!, spot ?? centre()),
    });
  }, [add, centre, kindChoices]);

  // --- wiring ---------------------------------------------------------------------------------
  const endOf = (node: string, handle: string | null, type: string | null): End => ({
    node, port: handle ?? "", side: type === "source" ? "out" : "in",
  });
  const connectEnd: OnConnectEnd = useCallback((event, state) => {
    const dragged = wiring.dragged;
    const reason = wiring.over?.reason;
    wiring.set(null);
    if (!dragged || replugging.current || state.isValid) return;
    if (state.toHandle || reason) return void (reason && doc.say(reason));
    const { clientX, clientY } = "changedTouches" in event ? event.changedTouches[0] : (event as MouseEvent);
    const target = event.target as Element | null;
    if (target?.closest?.(".pb-node, .pb-group")) return;
    offer(dragged, clientX, clientY);
  }, [doc, wiring]);
  const offer = (dragged: Dragged, x: number, y: number) => {
    const kinds = usableKinds().filter((kind) => fittingPort(kind, dragged));
    const spot = toFlow(x, y);
    setQuestion({
      title: dragged.from.side === "out" ? `Where should "${dragged.from.port}" go?` : `Where should "${dragged.from.port}" come from?`,
      placeholder: "Nodes that fit", empty: "No node fits this port.", choices: kindChoices(kinds), at: inBox(x, y),
      pick: (key) => {
        const made = addWired(doc, kinds.find((k) => k.kind === key)!, dragged, spot);
        dispatch(made.op, [made.id]);
      },
    });
  };

  // --- dragging -------------------------------------------------------------------------------
  const onNodesChange = useCallback((changes: NodeChange[]) => {
    if (changes.every((change) => change.type === "position" && change.dragging === false)) {
      // The end of a drag, and nothing moves. The edit goes out before anything is drawn; see onNodeDragStop.
      dropped.current = true;
      setTimeout(() => dropped.current && setNodes(letGo), 50);
      return;
    }
    setNodes((old) => {
      const more: NodeChange[] = [];
      const listed = new Set(changes.map((c) => ("id" in c ? c.id : "")));
      const resized = new Set(changes.map((c) => (c.type === "dimensions" ? c.id : "")));
      const shifts = new Map<string, Point>();
      for (const change of changes) {
        if (change.type !== "position" || !change.position || resized.has(change.id)) continue;
        const group = old.find((n) => n.id === change.id && n.type === "group_");
        if (!group) continue;
        const by = { x: change.position.x - group.position.x, y: change.position.y - group.position.y };
        shifts.set(group.id, by);
        const inside = new Set(groupData(group).nodes);
        for (const node of old) {
          if (!inside.has(node.id) || listed.has(node.id)) continue;
          more.push({ type: "position", id: node.id, dragging: change.dragging, position: { x: node.position.x + by.x, y: node.position.y + by.y } });
        }
      }
      const moved = applyNodeChanges([...changes.filter((c) => c.type !== "remove"), ...more], old);
      return frameGroups(moved.map((n) => shifted(n, shifts.get(n.id))));
    });
  }, []);
  const onEdgesChange = useCallback((changes: EdgeChange[]) => setEdges((old) => applyEdgeChanges(changes.filter((c) => c.type !== "remove"), old)), []);
  const onDragStart = useCallback(() => void (dropped.current = false), []);
  const onNodeDrag = useCallback((event: unknown, node: DrawnNode, moved: DrawnNode[]) => {
    const { clientX, clientY } = event as MouseEvent;
    const loose = moved.length === 1 && node.type === "box" && !(node.data as NodeData).wired;
    const edge = loose ? wireUnder(clientX, clientY) : undefined;
    const dropWire = edge && wayForNode(doc, edgeData(edge), node.id) ? edge.id : "";
    const dropGroup = moved.every((n) => n.type === "box") ? frameUnder(latest.current, moved, toFlow(clientX, clientY)) : "";
    if (ui.dropWire !== dropWire || ui.dropGroup !== dropGroup) ui.set({ dropWire, dropGroup });
  }, [doc, toFlow, ui, wireUnder]);
  const onNodeDragStop = useCallback((_event: unknown, _node: DrawnNode, moved: DrawnNode[]) => {
    const places: Record<string, Place> = {};
    const inside = moved.flatMap((n) => (n.type === "group_" ? (groupData(n).nodes ?? []) : []));
    const dragged = new Map(moved.map((n) => [n.id, n]));
    for (const id of new Set([...moved.filter((n) => n.type !== "group_").map((n) => n.id), ...inside])) {
      const node = dragged.get(id) ?? latest.current.find((n) => n.id === id);
      const old = doc.flow.layout[id];
      if (!node || (old && old.x === node.position.x && old.y === node.position.y)) continue;
      places[id] = { x: Math.round(node.position.x), y: Math.round(node.position.y) };
    }
    for (const group of moved.filter((n) => n.type === "group_")) {
      const frame = latest.current.find((n) => n.id === group.id)?.data.frame as Frame | undefined;
      if (frame) places[group.id] = { x: Math.round(frame.x), y: Math.round(frame.y) };
    }
    const wire = latestEdges.current.find((e) => e.id === ui.dropWire);
    const joined = ui.dropGroup;
    if (ui.dropWire || joined) ui.set({ dropWire: "", dropGroup: "" });
    const move = moveOp(places);
    const way = wire && moved.length === 1 ? wayForNode(doc, edgeData(wire), moved[0].id) : null;
    const more: Op[] = wire && way ? insertOps(edgeData(wire), moved[0].id, way) : [];
    if (joined) more.push(joinOp(doc, joined, moved.map((n) => n.id)));
    const label = joined ? "move into the group" : "insert on wire";
    const op: Op | null = move && more.length ? { op: "batch", ops: [move, ...more], label } : move;
    if (!dispatch(op)) setNodes(letGo);
  }, [dispatch, doc, ui]);

  const keys = useKeys({
    doc, flow, fit, chosen, choose, dispatch, go, askNode, pointer, toFlow, centre,
    drawn: () => latest.current, setQuestion, setSheet, rename: actions.rename, open: actions.open,
    root: () => root.current,
  });
  const showExports = (event: React.MouseEvent) => {
    const { left, bottom } = event.currentTarget.getBoundingClientRect();
    setMenu({ at: inBox(left, bottom + 6), entries: keys.exports });
  };
  const showMenu = (event: React.MouseEvent, id?: string, wire?: DrawnEdge) => {
    event.preventDefault();
    if (doc.readonly) return;
    const at = inBox(event.clientX, event.clientY);
    if (id && !latest.current.find((n) => n.id === id)?.selected) choose([id]);
    if (wire) choose([], [wire.id]);
    const spot = toFlow(event.clientX, event.clientY);
    setMenu({ at, entries: keys.entries(id, wire, { at, spot }) });
  };

  return (
    <div
      className={`pb-canvas ${doc.readonly ? "readonly" : ""} ${far ? "far" : ""}`} ref={root} tabIndex={0} role="application" aria-label="Flow canvas. Press ? for shortcuts."
      onKeyDown={(event) => {
        shift.current = event.shiftKey;
        keys.onKeyDown(event);
      }}
      onKeyUp={(event) => (shift.current = event.shiftKey)}
      onCopy={keys.onCopy} onCut={keys.onCut} onPaste={keys.onPaste}
      onPointerMove={(event) => {
        pointer.current = { x: event.clientX, y: event.clientY };
        shift.current = event.shiftKey;
      }}
      onPointerLeave={() => (pointer.current = null)}
      onPointerDown={(event) => {
        const target = event.target as Element;
        if (event.button === 0 && !target.closest("input, textarea, button, .pb-chooser, .pb-sheet, .pb-menu")) setTimeout(() => {
          const active = (root.current?.getRootNode() as ShadowRoot | Document | undefined)?.activeElement;
          if (!active?.closest("input, textarea, .pb-menu, .pb-sheet")) focus();
        });
      }}
    >
      <ReactFlow
        nodes={nodes} edges={edges} nodeTypes={nodeTypes} edgeTypes={edgeTypes}
        onNodesChange={onNodesChange} onEdgesChange={onEdgesChange}
        onNodeDragStart={onDragStart} onSelectionDragStart={onDragStart} onNodeDrag={onNodeDrag} onNodeDragStop={onNodeDragStop}
        onSelectionDragStop={useStable((event: unknown, moved: DrawnNode[]) => onNodeDragStop(event, moved[0], moved))}
        onConnectStart={useStable((_event, start) => {
          if (start.nodeId && !replugging.current) wiring.set(dragFrom(doc, endOf(start.nodeId, start.handleId, start.handleType)));
        })}
        onConnectEnd={useStable(connectEnd)}
        isValidConnection={useStable((wire: DrawnEdge | Connection) => {
          const dragged = wiring.dragged;
          if (!dragged) return false;
          const a = endOf(wire.source, wire.sourceHandle ?? null, "source"), b = endOf(wire.target, wire.targetHandle ?? null, "target");
          const end = dragged.from.side === "out" ? b : a;
          const port = portAt(doc, end);
          return !!port && !refusal(doc, dragged, end, port);
        })}
        onConnect={useStable((wire: Connection) => dispatch(wireOp(
          doc, endOf(wire.source, wire.sourceHandle, "source"), endOf(wire.target, wire.targetHandle, "target"), shift.current,
        )))}
        onReconnectStart={useStable((_event: unknown, edge: DrawnEdge, side: string) => {
          replugging.current = edge;
          // React Flow names the end that stays.
          const stays = side === "target" ? endOf(edge.target, edge.targetHandle ?? null, "target") : endOf(edge.source, edge.sourceHandle ?? null, "source");
          wiring.set(dragFrom(doc, stays, edgeData(edge)));
        })}
        onReconnect={useStable((edge: DrawnEdge, wire: Connection) => {
          const fresh = edgeOf(endOf(wire.source, wire.sourceHandle, "source"), endOf(wire.target, wire.targetHandle, "target"));
          if (edgeKey(fresh) !== edge.id) dispatch(replugOp(doc, edgeData(edge), fresh, shift.current));
        })}
        onReconnectEnd={useStable((_event: unknown, edge: DrawnEdge, _side: string, state: FinalConnectionState) => {
          const reason = wiring.over?.reason;
          wiring.set(null);
          replugging.current = null;
          if (state.isValid) return;
          if (state.toHandle || reason) return void (reason && doc.say(reason));
          dispatch({ op: "disconnect", ...edgeData(edge) });
        })}
        onNodeContextMenu={useStable((event: React.MouseEvent, node: DrawnNode) => showMenu(event, node.id))}
        onEdgeContextMenu={useStable((event: React.MouseEvent, edge: DrawnEdge) => showMenu(event, undefined, edge))}
        onPaneContextMenu={useStable((event) => showMenu(event as React.MouseEvent))}
        onDoubleClick={useStable((event) => {
          if ((event.target as Element).classList.contains("react-flow__pane")) {
            const at = toFlow(event.clientX, event.clientY);
            askNode(inBox(event.clientX, event.clientY), { x: at.x - WIDTH / 2, y: at.y - 20 });
          }
        })}
        onInit={useStable(() => {
          const old = views.get(doc.id);
          if (old) void flow.setViewport(old);
          else fit(0);
        })}
        onMoveEnd={useStable((_event, viewport) => views.set(doc.id, viewport))}
        nodesDraggable={!doc.readonly} nodesConnectable={!doc.readonly} edgesReconnectable={!doc.readonly}
        snapToGrid snapGrid={snapGrid} minZoom={0.1} maxZoom={2.5} zoomOnDoubleClick={false}
        deleteKeyCode={null} disableKeyboardA11y selectionMode={SelectionMode.Partial} connectionRadius={26} reconnectRadius={14}
        multiSelectionKeyCode={manyKeys} connectionLineType={ConnectionLineType.Bezier}
        elevateNodesOnSelect={false} onlyRenderVisibleElements proOptions={{ hideAttribution: true }}
        nodesFocusable edgesFocusable
      >
        <Background variant={BackgroundVariant.Dots} gap={GRID} size={1.3} />
        <MiniMap
          pannable zoomable ariaLabel="Overview" nodeBorderRadius={6} className="pb-minimap"
          nodeColor={overviewColor}
        />
      </ReactFlow>
      <Bars doc={doc} chosen={chosen} keys={keys} drawn={() => latest.current} dispatch={dispatch} paletteShut={paletteShut} onPalette={onPalette} onHelp={() => setSheet(true)} onExport={showExports} />
      {doc.ready && !doc.flow.nodes.length && !doc.flow.notes.length && <Empty readonly={doc.readonly} />}
      {question && <Chooser question={question} onClose={() => (setQuestion(null), focus())} />}
      {menu && <Menu at={menu.at} entries={menu.entries} onClose={() => (setMenu(null), focus())} />}
      {sheet && <Sheet onClose={() => (setSheet(false), focus())} />}
    </div>
  );
}
