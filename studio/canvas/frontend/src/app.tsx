// The whole editor: the canvas, and what lies over it.

import { ReactFlowProvider } from "@xyflow/react";
import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { Announcer } from "./announcer";
import { Canvas, CanvasHandle } from "./canvas";
import { Lanes, SharedContext, Ui, Wiring, useDoc } from "./context";
import { useCarrying } from "./hooks/carrying";
import { useStable } from "./hooks/stable";
import { IntakePanel } from "./documents/panel";
import { useIntake } from "./documents/use_intake";
import { useDroppedFiles } from "./files";
import { Icon, KindIcon } from "./icons";
import { LargeFrame } from "./large/frame";
import { LargeState } from "./large/state";
import { Kind } from "./model";
import { Palette } from "./palette";
import { Peeks } from "./peek";
import { Scrubber } from "./scrubber";
import { Statuses } from "./statuses";
import type { Moment } from "./timeline";
import { trail } from "./trail";
import { Doc, DockData } from "./store";
import { Dock } from "./dock/dock";
import { fieldId } from "./dock/field";
import { Notice } from "./dock/notice";
import { useCovered, useRoom } from "./dock/room";
import { holdRun } from "./dock/typed";
import { ChosenState, DockState, SETTINGS } from "./dock/state";
import { type End, familyColor } from "./types";

interface Props {
  doc: Doc;
  statuses: Statuses;
  reveal?: [string, number];
  dock?: DockData;
  timeline?: Moment[];
  onSelect: (value: unknown) => void;
}
const dockState = new DockState();
window.addEventListener("resize", () => dockState.fit());

const FIELD = "textarea, select, input";
const FIRST_FIELD = `.pb-form .pb-field :is(textarea, select, input:not(#pb-title))`;
/** How often a field is looked for that is about to be drawn, a frame each time. */
const FRAMES = 60;

/** Bring the settings to the front, one field ready to be typed into: the first, or that of a param of a node. */
function openSettings(host: HTMLElement | null, node = "", param = ""): void {
  dockState.show(SETTINGS);
  const id = `#${CSS.escape(fieldId(node, param))}`;
  const wanted = param ? `${id}:is(${FIELD}), ${id} :is(${FIELD}, button)` : FIRST_FIELD;
  const look = (left: number): void => {
    const field = host?.querySelector<HTMLElement>(wanted);
    if (!field) return void (left && requestAnimationFrame(() => look(left - 1)));
    field.focus();
    field.scrollIntoView({ block: "center" });
  };
  setTimeout(() => look(FRAMES));
}

export function App({ doc, statuses, reveal, dock, timeline, onSelect }: Props) {
  useDoc(doc);
  useEffect(() => holdRun(doc), [doc]);
  const wiring = useMemo(() => new Wiring(), []);
  const ui = useMemo(() => new Ui(), []);
  const lanes = useMemo(() => new Lanes(), []);
  const large = useMemo(() => new LargeState(), []);
  const peeks = useMemo(() => new Peeks(), []);
  const canvas = useRef<CanvasHandle>(null);
  const open = useSyncExternalStore(dockState.subscribe, () => dockState.palette);
  const paletteWidth = useSyncExternalStore(dockState.subscribe, () => dockState.paletteWidth);
  const small = useSyncExternalStore(dockState.subscribe, () => dockState.size === "small");
  const [ghost, take] = useCarrying(canvas, ui);
  const chosen = useMemo(() => new ChosenState(), []);
  const host = useRef<HTMLDivElement>(null);
  const docked = !!dock;
  useRoom(host, dockState, useCovered(dockState, docked, !doc.readonly), !doc.readonly);
  const shared = useMemo(
    () => ({
      doc,
      statuses,
      wiring,
      lanes,
      large,
      peeks,
      ui,
      actions: {
        rename: (id: string) => !doc.readonly && ui.set({ renaming: id }),
        stopRenaming: () => (ui.set({ renaming: "" }), canvas.current?.focus()),
        open: () => openSettings(host.current),
        enter: (name: string) => (trail.goIn(doc.flow.name ?? "", name), doc.command("open", name)),
        give: (node: string) => large.show({ is: "pin", node }),
        look: () => docked && dockState.lookAt(),
        dock: () => docked && dockState.toggle(),
        palette: () => dockState.showPalette(!dockState.palette),
        grow: (end: End, choose: boolean) => canvas.current?.grow(end, choose),
      },
    }),
    [doc, statuses, wiring, lanes, large, peeks, ui, docked],
  );
  const show = useStable((node: string, param?: string) => {
    canvas.current?.go(node);
    if (param) openSettings(host.current, node, param);
  });
  const documents = useIntake(doc, canvas);
  const files = useDroppedFiles(doc, documents.take);
  const showPalette = useStable(() => dockState.showPalette(true));
  const add = useStable((kind: Kind) => {
    canvas.current?.addAtCentre(kind);
    if (dockState.size === "small") dockState.showPalette(false); // it hides what was added
  });
  const widen = useStable((width: number) => dockState.widenPalette(width));
  const close = useStable(() => dockState.showPalette(false));
  return (
    <SharedContext.Provider value={shared}>
      <div className={`pb-app ${ghost ? "carrying" : ""}`} ref={host} onKeyDown={keepFromPage}>
        {open && !doc.readonly && (
          <Palette onAdd={add} onTake={take} onClose={close} width={paletteWidth} widen={widen} />
        )}
        <ReactFlowProvider>
          <Canvas
            ref={canvas}
            doc={doc}
            reveal={reveal}
            onSelect={onSelect}
            onChosen={chosen.set}
            docks={dockState}
            docked={docked}
            paletteShut={!open && !(small && docked)}
            onPalette={showPalette}
            onDocuments={documents.choose}
          />
        </ReactFlowProvider>
        {dock && <Dock state={dockState} dock={dock} chosen={chosen} show={show} />}
        {timeline && <Scrubber moments={timeline} chosen={chosen} />}
        {dock && <Notice doc={doc} notice={dock.notice} />}
        {ghost && (
          <div
            className="pb-ghost"
            style={{ left: ghost.x, top: ghost.y, "--f": familyColor(ghost.kind.family) } as React.CSSProperties}
          >
            <span className="pb-icon">
              <KindIcon icon={ghost.kind.icon} />
            </span>
            {ghost.kind.title}
          </div>
        )}
        {files && (
          <div className="pb-drop">
            <Icon name="file" size={30} />
            <b>Drop documents to give them to the flow, or a flow to open it</b>
            PDF, Word, Markdown, text, HTML, CSV, pictures, or a folder of them · JSON, or a PNG or SVG that was
            exported here
          </div>
        )}
        <IntakePanel intake={documents.intake} />
        <LargeFrame onClose={() => canvas.current?.focus()} />
        <Toast doc={doc} />
        <Announcer doc={doc} statuses={statuses} />
        <Hint wiring={wiring} />
      </div>
    </SharedContext.Provider>
  );
}

/** Streamlit has keys of its own (r reruns, c clears caches); none of them should fire from here. */
function keepFromPage(event: React.KeyboardEvent): void {
  if (!(event.ctrlKey || event.metaKey) && ["r", "c"].includes(event.key)) event.stopPropagation();
}

function Toast({ doc }: { doc: Doc }) {
  const n = useSyncExternalStore(doc.toasts.subscribe, () => doc.toast?.n ?? 0);
  const [gone, setGone] = useState(n);
  useEffect(() => {
    const timer = setTimeout(() => setGone(n), 4200);
    return () => clearTimeout(timer);
  }, [n]);
  return (
    <div className="pb-toasts" role="status" aria-live="polite">
      {n > gone && <div className="pb-toast">{doc.toast?.text}</div>}
    </div>
  );
}

/** While a wire is dragged: why the port under the pointer will not take it. */
function Hint({ wiring }: { wiring: Wiring }) {
  useSyncExternalStore(wiring.subscribe, () => wiring.version);
  const [at, setAt] = useState({ x: 0, y: 0 });
  const dragging = !!wiring.dragged;
  useEffect(() => {
    if (!dragging) return;
    const move = (e: PointerEvent) => setAt({ x: e.clientX, y: e.clientY });
    window.addEventListener("pointermove", move);
    return () => window.removeEventListener("pointermove", move);
  }, [dragging]);
  if (!wiring.dragged || !wiring.over?.reason) return null;
  return (
    <div className="pb-hint" style={{ left: at.x + 14, top: at.y + 16 }} role="status">
      {wiring.over.reason}
    </div>
  );
}
