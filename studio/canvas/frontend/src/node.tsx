// One node: header, a line about its params, named and colored ports, and how far it is in a run.

import { Handle, NodeProps, Position, useUpdateNodeInternals } from "@xyflow/react";
import { memo, useEffect, useRef, useSyncExternalStore } from "react";
import { usePin, useShared, useStatus, useVerdict } from "./context";
import { spoken, worstOf } from "./dock/spoken";
import { SmallCurves } from "./curves";
import { duration } from "./duration";
import { Front } from "./front";
import { Icon, IconName, KindIcon } from "./icons";
import { Edge, Kind, NodeInstance, Port, Problem, edgeKey } from "./model";
import { NodeState, State } from "./progress";
import { hasRun } from "./statuses";
import { pinWords } from "./pins";
import { Side, colorOf, flowIn, isKept, outlineOf, familyColor, refusal, titleOf, wireInto, words } from "./types";

export interface NodeData extends Record<string, unknown> {
  inst: NodeInstance;
  kind?: Kind;
  inputs: Port[];
  outputs: Port[];
  summary: string;
  unknown: boolean;
  problems: Problem[];
  wired: string;
  /** Whether what is missing is a fault by now. */
  tried: boolean;
}

const STATUS: Record<State, [icon: IconName, words: string]> = {
  queued: ["clock", "Queued"],
  running: ["clock", "Running"],
  waiting: ["clock", "Waiting"],
  asking: ["help", "Asks a person"],
  done: ["check", "Done"],
  cached: ["bolt", "From the cache"],
  skipped: ["skip", "Skipped"],
  failed: ["alert", "Failed"],
  cancelled: ["stop", "Stopped"],
};

function PortRow({ id, port, side, wired }: { id: string; port: Port; side: Side; wired: boolean }) {
  const { wiring, doc, actions, large, peeks } = useShared();
  const status = useStatus(id)?.status;
  const ran = hasRun(status);
  const end = { node: id, port: port.name, side };
  const verdict = useVerdict(end, port);
  const gone = port.types.length === 0;
  const takes = gone ? port.doc : `${side === "in" ? "takes" : "gives"} ${words(port.types)}`;
  const needed = side === "in" && port.required && !wired;
  const held = side === "in" && wired && !port.many && !doc.readonly;
  const about = [
    `${port.name}: ${takes}${port.many ? ", any number of wires" : ""}`,
    held && "Drag to plug its wire elsewhere; with Shift, to draw another one.",
    needed && "Needs a wire.",
    !gone && port.doc,
  ];
  const key = `${side} ${id}.${port.name}`;
  const rest = ({ currentTarget }: React.PointerEvent) => {
    if (!ran || wiring.dragged) return;
    const [title, ...more] = about.filter((words): words is string => !!words);
    peeks.rest({
      ...{ key, title, about: more, side, when: String(status) },
      sources: [{ node: id, side, port: port.name }],
      hint: "Click its name to see all of it",
      at: () => currentTarget.getBoundingClientRect(),
    });
  };
  const hover = () => {
    if (wiring.dragged && verdict !== "start") wiring.hover(end, refusal(doc, wiring.dragged, end, port));
  };
  // An input that takes one wire and has it gives that wire's end into the hand; Shift draws a second one.
  const take = (event: React.MouseEvent) => {
    const wire = held && event.button === 0 && !event.shiftKey && wireInto(doc.flow, end);
    if (wire && (event.target as Element).closest(".pb-handle") && passOn(event, wire)) event.stopPropagation();
  };
  return (
    <div
      className={`pb-port ${side} ${verdict} ${gone ? "gone" : ""}`}
      title={ran ? undefined : about.filter(Boolean).join("\n")}
      onMouseDownCapture={take}
      onPointerEnter={rest}
      onPointerLeave={() => peeks.leave(key)}
    >
      <Handle
        type={side === "in" ? "target" : "source"}
        position={side === "in" ? Position.Left : Position.Right}
        id={port.name}
        className={`pb-handle ${gone ? "" : outlineOf(port.types)} ${wired ? "wired" : ""} ${needed ? "needed" : ""} ${port.many ? "many" : ""}`}
        style={
          { "--c": gone ? `var(--pb-${doc.tried ? "red" : "orange"})` : colorOf(port.types) } as React.CSSProperties
        }
        role="img"
        aria-label={`${side === "in" ? "Input" : "Output"} ${about.filter(Boolean).join(". ")}`}
        onPointerEnter={hover}
        onPointerLeave={() => wiring.dragged && wiring.hover(null)}
        data-port={`${id}.${port.name}`}
      />
      <span
        className={`pb-port-name ${ran ? "nodrag open" : ""}`}
        onClick={ran ? () => large.show({ is: "value", node: id, side, port: port.name }) : undefined}
      >
        {port.name}
      </span>
      {side === "out" && !wired && !gone && !doc.readonly && (
        <button
          type="button"
          className="pb-more nodrag nopan"
          title={`Add a node that takes "${port.name}" (Shift: choose which)`}
          aria-label={`Add a node after ${port.name}`}
          onClick={(event) => (event.stopPropagation(), actions.grow(end, event.shiftKey))}
          onDoubleClick={(event) => event.stopPropagation()}
        >
          <Icon name="plus" size={12} />
        </button>
      )}
    </div>
  );
}

/** Press React Flow's own handle for a wire's end, which lies below the port. */
function passOn(event: React.MouseEvent, wire: Edge): boolean {
  const root = (event.target as Element).getRootNode() as ShadowRoot | Document;
  const grip = root.querySelector(
    `.react-flow__edge[data-id="${CSS.escape(edgeKey(wire))}"] .react-flow__edgeupdater-target`,
  );
  grip?.dispatchEvent(
    new MouseEvent("mousedown", { ...coordinates(event), bubbles: true, cancelable: true, composed: true }),
  );
  return !!grip;
}

const coordinates = (event: React.MouseEvent) => ({
  clientX: event.clientX,
  clientY: event.clientY,
  button: event.button,
  buttons: event.buttons,
});

function Title({ id, text }: { id: string; text: string }) {
  const { ui, actions, doc } = useShared();
  const editing = useSyncExternalStore(ui.subscribe, () => ui.renaming === id);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (editing) input.current?.select();
  }, [editing]);
  if (!editing) {
    return (
      <span
        className="pb-title"
        title={`${text}\n${id}`}
        onDoubleClick={(e) => (e.stopPropagation(), actions.rename(id))}
      >
        {text}
      </span>
    );
  }
  const commit = () => {
    const title = input.current?.value.trim() ?? "";
    if (ui.renaming === id && title !== text) doc.dispatch({ op: "rename", node: id, title: title || null });
    actions.stopRenaming();
  };
  return (
    <input
      ref={input}
      className="pb-rename nodrag nopan"
      defaultValue={text}
      autoFocus
      maxLength={120}
      aria-label="Title of the node"
      onBlur={commit}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Enter") commit();
        if (event.key === "Escape") actions.stopRenaming();
      }}
    />
  );
}

/** How long it took and what it spent, in words. */
const factsOf = (status: NodeState, pinned: boolean): string[] =>
  [
    status.seconds !== undefined && duration(status.seconds),
    status.tokens ? `${status.tokens} tokens` : "",
    status.status === "cached" && (pinned ? "pinned, not run" : "cached"),
  ].filter((words) => !!words) as string[];

/** That it warned, in words; none where it did not. */
const warnedOf = (status?: NodeState): string =>
  status?.warned ? (status.warned === 1 ? "1 warning" : `${status.warned} warnings`) : "";

function Foot({ id, status, pinned }: { id: string; status: NodeState; pinned: boolean }) {
  const facts = factsOf(status, pinned);
  const warned = warnedOf(status);
  const text = status.text?.trim();
  const last = status.status === "running" ? status.steps?.at(-1) : undefined;
  const message = status.message || [last?.who, last?.what, last?.tool].filter(Boolean).join(" · ");
  // Hangs below the node without changing its size: a stream must not push the drawing about.
  return (
    <div className={`pb-foot ${status.status}`}>
      {(facts.length > 0 || warned) && (
        <div className="pb-facts">
          {facts.join(" · ")}
          {facts.length > 0 && warned && " · "}
          {warned && <b className="pb-warned">⚠ {warned}</b>}
        </div>
      )}
      {message && !(text && status.status === "running") && (
        <div className={`pb-message ${status.status}`}>{message.slice(0, 240)}</div>
      )}
      {status.share !== undefined && <progress className="pb-share" max={1} value={status.share} aria-label="Done" />}
      {status.points && <SmallCurves id={id} points={status.points} />}
      {text && <div className="pb-preview">{text.slice(-220)}</div>}
    </div>
  );
}

/** How it stands with a node, in its corner: at every zoom. */
function Mark({ state, message, warned }: { state: State; message?: string; warned: string }) {
  const words = warned ? `${STATUS[state][1]}, with ${warned}` : STATUS[state][1];
  return (
    <span className={`pb-status ${state} ${warned && "warned"}`} title={message || words} role="img" aria-label={words}>
      {state === "running" && <span className="pb-spin" />}
      {state !== "running" && (warned ? <b>!</b> : <Icon name={STATUS[state][0]} size={13} />)}
    </span>
  );
}

export const NodeBox = memo(function NodeBox({ id, data, selected }: NodeProps & { data: NodeData }) {
  const { actions, doc, peeks } = useShared();
  const status = useStatus(id);
  const pin = usePin(id);
  const refresh = useUpdateNodeInternals();
  const { inst, kind, inputs, outputs, problems, unknown } = data;
  const signature = `${inputs.map((p) => p.name)}|${outputs.map((p) => p.name)}`;
  const drawn = useRef(signature);
  useEffect(() => {
    // A new node is measured anyway; asking for each one would make opening a large flow quadratic.
    if (drawn.current === signature) return;
    drawn.current = signature;
    refresh(id);
  }, [id, signature, refresh]);

  const wired = new Set(data.wired.split(" "));
  const title = titleOf(inst);
  const tone = worstOf(problems, data.tried);
  const rows = Math.max(inputs.length, outputs.length);
  const state = status?.status ?? "";
  const ran = state === "done" || state === "cached";
  const tip = problems.map((p) => spoken(`${p.message} ${p.fix ?? ""}`.trim(), doc.flow)).join("\n");
  /** From afar it is told what cannot be read on it. */
  const rest = ({ currentTarget, buttons }: React.PointerEvent) => {
    if (buttons || !currentTarget.closest(".pb-canvas.far")) return;
    const told = [
      title !== kind?.title && kind?.title,
      state && STATUS[state][1],
      ...(status ? factsOf(status, !!pin) : []),
      warnedOf(status),
    ];
    peeks.rest({
      ...{ key: id, title, about: told.filter((words) => !!words) as string[], side: "below", when: "", hint: "" },
      ...{ sources: [], at: () => currentTarget.getBoundingClientRect() },
    });
  };
  return (
    <div
      className={`pb-node ${selected ? "selected" : ""} ${inst.disabled ? "off" : ""} ${unknown ? "unknown" : ""} ${pin ? "pinned" : ""} s-${state}`}
      style={{ "--f": familyColor(kind?.family ?? "") } as React.CSSProperties}
      onPointerEnter={rest}
      onPointerLeave={() => peeks.leave(id)}
      onDoubleClick={() => (flowIn(inst) ? actions.enter(flowIn(inst)) : actions.open(id))}
    >
      <div className="pb-head">
        <span className="pb-icon">
          <KindIcon icon={kind?.icon} />
        </span>
        <Title id={id} text={title} />
        {problems.length > 0 && (
          <span
            className={`pb-badge ${tone}`}
            title={tip}
            role="img"
            aria-label={`${problems.length} problems: ${tip}`}
          >
            {problems.length > 1 ? problems.length : tone === "todo" ? "·" : "!"}
          </span>
        )}
        {inst.disabled && (
          <span className="pb-chip" title="Disabled: it is skipped">
            off
          </span>
        )}
        {pin && (
          <span className="pb-chip pinned" title={`Not run: this is used instead, whatever goes in.\n${pin.gist}`}>
            {pinWords(pin)}
          </span>
        )}
        {isKept(inst) && !pin && (
          <span className="pb-chip" title="Its known result is used instead of running it, for the same inputs.">
            kept
          </span>
        )}
        {state && <Mark state={state} message={status?.message} warned={ran ? warnedOf(status) : ""} />}
      </div>
      <Front inst={inst} kind={kind} summary={data.summary} problems={problems} />
      {unknown && <div className="pb-summary">{kind ? "" : `No installed package knows "${inst.kind}".`}</div>}
      {rows > 0 && (
        <div className="pb-ports">
          <div>
            {inputs.map((p) => (
              <PortRow key={p.name} id={id} port={p} side="in" wired={wired.has(`in:${p.name}`)} />
            ))}
          </div>
          <div>
            {outputs.map((p) => (
              <PortRow key={p.name} id={id} port={p} side="out" wired={wired.has(`out:${p.name}`)} />
            ))}
          </div>
        </div>
      )}
      {status && <Foot id={id} status={status} pinned={!!pin} />}
    </div>
  );
});
