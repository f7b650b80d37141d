// The door between Streamlit and the canvas: one React root per host element, whatever order mounts come in.

import { createRoot, Root } from "react-dom/client";
import flowCss from "@xyflow/react/dist/base.css?inline";
import { App } from "./app";
import { fillWindow } from "./filled";
import { addressOf } from "./site";
import { show, waits } from "./shown";
import { onlyListener, statusesOf } from "./statuses";
import { Data, docOf, learnCatalog } from "./store";
import css from "./style.css?inline";
import panelCss from "./panels.css?inline";
import dockCss from "./dock/dock.css?inline";
import documentsCss from "./documents/documents.css?inline";
import largeCss from "./large/large.css?inline";
import liveCss from "./live/live.css?inline";
import resultsCss from "./dock/results.css?inline";
import runCss from "./dock/run.css?inline";
import wordsCss from "./live/words.css?inline";

export { apply } from "./apply";
export { whole } from "./model";

interface Component {
  data: [Data];
  parentElement: ShadowRoot | HTMLElement;
  setStateValue: (name: string, value: unknown) => void;
  setTriggerValue: (name: string, value: unknown) => void;
}
interface Host extends HTMLElement {
  pbRoot?: Root;
  pbGeneration?: number;
  pbOwner?: object;
}

/** This very build: a page that outlives an update of the studio meets a second one. */
const OWNER = {};

/** A style sheet for what lies within something only: the panels of other pages have names of their own. */
const within = (selector: string, sheet: string): string => `${selector} {${sheet}}`;

/** Whether a color, as Streamlit's themes write it, is a dark one. */
function isDark(color: string): boolean {
  const hex = color
    .trim()
    .replace(/^#(.)(.)(.)$/, "#$1$1$2$2$3$3")
    .match(/^#([0-9a-f]{6})/i);
  const parts = hex
    ? [0, 2, 4].map((i) => parseInt(hex[1].slice(i, i + 2), 16))
    : (color.match(/[\d.]+/g) ?? [255, 255, 255]).map(Number);
  return 0.3 * parts[0] + 0.59 * parts[1] + 0.11 * parts[2] < 128;
}

export function mount(component: Component): () => void {
  const { parentElement } = component;
  const [data] = component.data;
  const host = parentElement.querySelector<Host>(".pb-host");
  if (!host) return () => {};
  if (host.pbOwner !== OWNER) {
    host.pbRoot?.unmount();
    host.pbRoot = undefined;
    host.pbOwner = OWNER;
    parentElement.querySelector("style.pb-style")?.remove();
    const style = document.createElement("style");
    style.className = "pb-style";
    style.textContent =
      flowCss +
      css +
      panelCss +
      dockCss +
      documentsCss +
      largeCss +
      wordsCss +
      resultsCss +
      runCss +
      within(".pb-live", liveCss);
    parentElement.append(style);
  }
  host.classList.toggle("dark", isDark(getComputedStyle(host).getPropertyValue("--st-background-color")));
  const generation = (host.pbGeneration = (host.pbGeneration ?? 0) + 1);
  host.pbRoot ??= createRoot(host);

  learnCatalog(data);
  const doc = docOf(data.doc);
  doc.waits = (now) => waits(data.doc, now);
  doc.send = (payload) => component.setTriggerValue("edit", payload);
  doc.update(data);
  const { events, height } = doc.setup;
  if (height) host.style.height = height;
  else fillWindow(host);
  show(data.doc, data.rev);
  const statuses = statusesOf(data.doc);
  onlyListener(statuses);
  statuses.onRevision = (revision) => doc.hear(revision);
  statuses.onConflict = (conflict) => doc.hearConflict(conflict);
  statuses.onPins = (turn) => doc.hearPins(turn);
  if (data.status) statuses.replace(data.status);
  doc.at = (name) => (events ? addressOf(events.replace("/events?", `/${name}?`)) : "");
  // A past run does not go on; what its nodes were doing is told by its timeline.
  statuses.listen(events && !data.timeline ? addressOf(events) : "");
  host.pbRoot.render(
    <App
      key={data.doc}
      doc={doc}
      statuses={statuses}
      reveal={doc.setup.reveal}
      dock={doc.setup.dock}
      timeline={data.timeline}
      onSelect={(value) => component.setStateValue("selection", value)}
    />,
  );
  return () => {
    // Clean-ups come out of order: only the last mount of a host that is gone takes its root down.
    setTimeout(() => {
      if (host.pbGeneration !== generation || host.isConnected) return;
      statuses.listen("");
      host.pbRoot?.unmount();
      host.pbRoot = undefined;
    }, 200);
  };
}
