// The drawing surface: React Flow, fed from the document. What its gestures mean stands in hooks/.

import {
  Background,
  BackgroundVariant,
  ConnectionLineType,
  Edge as DrawnEdge,
  Node as DrawnNode,
  ReactFlow,
  SelectionMode,
  Viewport,
  useReactFlow,
  useStore,
} from "@xyflow/react";
import { Ref, RefObject, useCallback, useEffect, useImperativeHandle, useRef } from "react";
import { Bars, Empty } from "./bars";
import { GroupBox, NoteBox, WireLine } from "./boxes";
import { Chooser, Menu, Sheet } from "./chooser";
import { useShared } from "./context";
import { useCovered, useInSight } from "./dock/room";
import type { DockState } from "./dock/state";
import { useBringing } from "./documents/bring";
import type { Received } from "./documents/intake";
import type { Chosen, Point } from "./edits";
import type { Spot } from "./files";
import { Adding, under, useAdding } from "./hooks/adding";
import { useDragging } from "./hooks/dragging";
import { useFitting } from "./hooks/fitting";
import { useFirstLayout } from "./hooks/first_layout";
import { useKeys } from "./hooks/keys";
import { useLanes } from "./hooks/lanes";
import { useMenus, useOverlays } from "./hooks/menus";
import { usePageKeys } from "./hooks/page_keys";
import { keepView, usePlaces, useReveal, viewOf } from "./hooks/places";
import { useScene, useSelectionReport } from "./hooks/scene";
import { useStable } from "./hooks/stable";
import { Bench, useTools } from "./hooks/tools";
import { usePeeking } from "./hooks/peeking";
import { useWiring } from "./hooks/wiring";
import { NodeBox } from "./node";
import { Peek } from "./peek";
import { type Reading, lettersAt, readingAt } from "./reading";
import { Overview } from "./overview";
import { GRID } from "./scene";
import { Doc } from "./store";

export interface CanvasHandle extends Pick<Adding, "addAtCentre" | "aim" | "drop" | "grow"> {
  focus(): void;
  /** Have nodes read documents that have arrived, at a point of the page or in the middle. */
  bring(received: Received[], spot: Spot): void;
  go(id: string): void;
}
interface Props {
  doc: Doc;
  reveal?: [string, number];
  onSelect: (value: unknown) => void;
  ref: Ref<CanvasHandle>;
  paletteShut: boolean;
  onPalette: () => void;
  onDocuments: (spot: Spot) => void;
  onChosen: (chosen: Chosen) => void;
  docks: DockState;
  /** Whether the page has a dock; it always has a palette, where one may edit. */
  docked: boolean;
}

// At module level: a new object as a prop of <ReactFlow> makes everything draw again.
const READING: Record<Reading, string> = { near: "", middle: "middle", far: "far", tiny: "far tiny" };
const nodeTypes = { box: NodeBox, note: NoteBox, group_: GroupBox };
const edgeTypes = { wire: WireLine };
const snapGrid: [number, number] = [GRID, GRID];
const manyKeys = ["Meta", "Control", "Shift"];
const hideAttribution = { hideAttribution: true };

export function Canvas({
  doc,
  reveal,
  onSelect,
  ref,
  paletteShut,
  onPalette,
  onDocuments,
  onChosen,
  docks,
  docked,
}: Props) {
  const reading = useStore((state) => readingAt(state.transform[2]));
  const { actions, lanes, peeks } = useShared();
  const flow = useReactFlow();
  const root = useRef<HTMLDivElement>(null);
  const hand = useHand();
  const focus = useCallback(() => root.current?.focus({ preventScroll: true }), []);
  const scene = useScene(doc, focus);
  useSelectionReport(scene.chosen, onSelect);
  // By its words: while nodes are dragged, each frame has a new object that says the same.
  const told = JSON.stringify(scene.chosen);
  useEffect(() => onChosen(JSON.parse(told) as Chosen), [told, onChosen]);
  const dock = docked ? docks : undefined;
  const covered = useCovered(docks, docked, !doc.readonly);
  const places = usePlaces(doc, root, scene, focus, covered);
  useInSight(scene, places, dock);
  useFitting(root, scene, places, docks);
  useLanes(scene, lanes);
  useFirstLayout(doc, scene, places);
  useReveal(doc, reveal, places.go);
  const above = useOverlays(focus);
  const adding = useAdding(doc, scene, places, above.setQuestion);
  const { addAtCentre, aim, drop, grow, askNode, offer } = adding;
  const bring = useBringing(doc, scene, places);
  useImperativeHandle(ref, () => ({ focus, go: places.go, addAtCentre, aim, drop, grow, bring }), [
    places.go,
    focus,
    addAtCentre,
    aim,
    drop,
    grow,
    bring,
  ]);
  const wiring = useWiring(doc, scene, hand.shift, offer);
  const dragging = useDragging(doc, scene, places);
  const peeking = usePeeking(doc);
  const bench: Bench = {
    ...{ doc, flow, scene, places, askNode, addAtCentre, pointer: hand.pointer, root: () => root.current },
    ...{
      setQuestion: above.setQuestion,
      setSheet: above.setSheet,
      rename: actions.rename,
      open: actions.open,
      openWire: peeking.openWire,
      documents: onDocuments,
      actions,
    },
  };
  const tools = useTools(bench);
  const keys = useKeys(bench, tools);
  usePageKeys(doc, root, focus, keys.press);
  const menus = useMenus(bench, tools, above.setMenu);

  const onDoubleClick = useStable((event: React.MouseEvent) => {
    const { clientX, clientY } = event;
    if (!(event.target as Element).classList.contains("react-flow__pane")) return;
    askNode(places.inBox(clientX, clientY), under(places.toFlow(clientX, clientY)));
  });
  const onInit = useStable(() => {
    const old = viewOf(doc);
    if (!old) return places.fit(0);
    void flow.setViewport(old).then(() => places.refit());
  });
  const editable = !doc.readonly;
  return (
    <div
      className={`pb-canvas ${editable ? "" : "readonly"} ${READING[reading]}`}
      ref={root}
      tabIndex={0}
      role="application"
      aria-label="Flow canvas. Press ? for shortcuts."
      onKeyDown={(event) => (hand.follow(event), peeks.leave(), keys.onKeyDown(event))}
      onKeyUp={hand.follow}
      onCopy={keys.onCopy}
      onCut={keys.onCut}
      onPaste={keys.onPaste}
      onPointerMove={hand.move}
      onPointerLeave={hand.leave}
      onPointerDown={(event) => takeFocus(event, root.current, focus)}
      onFocus={peeking.onFocus}
      onBlur={peeking.onBlur}
    >
      <ReactFlow
        nodes={scene.nodes}
        edges={scene.edges}
        nodeTypes={nodeTypes}
        edgeTypes={edgeTypes}
        {...dragging}
        {...wiring}
        {...peeking.wires}
        onNodeClick={actions.look}
        onNodeContextMenu={useStable((event: React.MouseEvent, node: DrawnNode) => menus.context(event, node.id))}
        onEdgeContextMenu={useStable((event: React.MouseEvent, edge: DrawnEdge) =>
          menus.context(event, undefined, edge),
        )}
        onPaneContextMenu={useStable((event) => menus.context(event as React.MouseEvent))}
        onDoubleClick={onDoubleClick}
        onInit={onInit}
        onMoveEnd={useStable((_event: unknown, view: Viewport) => keepView(doc, view))}
        nodesDraggable={editable}
        nodesConnectable={editable}
        edgesReconnectable={editable}
        nodesFocusable
        edgesFocusable
        snapToGrid
        snapGrid={snapGrid}
        minZoom={0.1}
        maxZoom={2.5}
        zoomOnDoubleClick={false}
        deleteKeyCode={null}
        disableKeyboardA11y
        selectionMode={SelectionMode.Partial}
        connectionRadius={26}
        reconnectRadius={14}
        multiSelectionKeyCode={manyKeys}
        connectionLineType={ConnectionLineType.Bezier}
        elevateNodesOnSelect={false}
        onlyRenderVisibleElements
        proOptions={hideAttribution}
      >
        <Background variant={BackgroundVariant.Dots} gap={GRID} size={1.3} />
        <Overview scene={scene} covered={covered} />
      </ReactFlow>
      <Bars
        doc={doc}
        chosen={scene.chosen}
        tools={tools}
        drawn={scene.nodesNow}
        dispatch={scene.dispatch}
        paletteShut={paletteShut}
        onPalette={onPalette}
        onHelp={() => above.setSheet(true)}
        onExport={menus.exports}
      />
      <Letters root={root} />
      <Peek root={root} covered={covered} />
      {doc.ready && !doc.flow.nodes.length && !doc.flow.notes.length && (
        <Empty readonly={doc.readonly} start={tools.starter} covered={covered()} />
      )}
      {above.question && <Chooser question={above.question} onClose={above.closeQuestion} />}
      {above.menu && <Menu at={above.menu.at} entries={above.menu.entries} onClose={above.closeMenu} />}
      {above.sheet && <Sheet onClose={above.closeSheet} />}
    </div>
  );
}

/** Tells the style sheet how large letters must be at this zoom, without a drawing. */
function Letters({ root }: { root: RefObject<HTMLElement | null> }) {
  const size = useStore((state) => lettersAt(state.transform[2]));
  useEffect(() => root.current?.style.setProperty("--letters", `${size}px`), [root, size]);
  return null;
}

/** Where the pointer is, in the page, and whether Shift is held: asked when a gesture ends, so not drawn. */
function useHand() {
  const pointer = useRef<Point | null>(null);
  const shift = useRef(false);
  const follow = useStable((event: { shiftKey: boolean }) => void (shift.current = event.shiftKey));
  const move = useStable((event: React.PointerEvent) => {
    pointer.current = { x: event.clientX, y: event.clientY };
    follow(event);
  });
  const leave = useStable(() => void (pointer.current = null));
  return { pointer, shift, follow, move, leave };
}

/** A press on the canvas takes the focus there, unless it went into a field. */
function takeFocus(event: React.PointerEvent, root: HTMLElement | null, focus: () => void): void {
  const target = event.target as Element;
  if (event.button !== 0 || target.closest("input, textarea, button, .pb-chooser, .pb-sheet, .pb-menu")) return;
  setTimeout(() => {
    const active = (root?.getRootNode() as ShadowRoot | Document | undefined)?.activeElement;
    if (!active?.closest("input, textarea, .pb-menu, .pb-sheet")) focus();
  });
}
