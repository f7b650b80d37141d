// The fields of the panel belong to the nodes that they were drawn for. From the moment others are chosen on the canvas
// until the fields of those are there, nothing can be typed: it would change a node that nobody looks at.

import { onChosen } from "../chosen";

interface Panel {
  chosen: string | null;
  drawn: string | null;
  owner: object | null;
  timer?: ReturnType<typeof setTimeout>;
}
declare global {
  interface Window {
    __patchbayPanel?: Panel;
  }
}

const FORM = ".st-key-node-form";
/** A page that waits longer than this has lost its server, or the word of what was chosen was wrong. */
const GIVE_UP_MS = 15000;

/** Say which nodes the fields are for. Returns what takes that back. */
export function drawnFor(nodes: string[]): () => void {
  const panel = thePanel();
  const owner = (panel.owner = {});
  panel.drawn = named(nodes);
  settle(panel);
  return () => {
    if (panel.owner !== owner) return; // the next fields are there already
    panel.drawn = null;
    settle(panel);
  };
}

function thePanel(): Panel {
  if (window.__patchbayPanel) return window.__patchbayPanel;
  const panel: Panel = (window.__patchbayPanel = { chosen: null, drawn: null, owner: null });
  onChosen((nodes) => {
    panel.chosen = named(nodes);
    settle(panel);
  });
  return panel;
}

function named(nodes: string[]): string {
  return JSON.stringify([...nodes].sort());
}

function settle(panel: Panel, giveUp = false): void {
  const form = document.querySelector<HTMLElement>(FORM);
  const rests = !giveUp && panel.chosen !== null && panel.drawn !== null && panel.chosen !== panel.drawn;
  clearTimeout(panel.timer);
  if (rests) panel.timer = setTimeout(() => settle(panel, true), GIVE_UP_MS);
  if (!form || form.inert === rests) return;
  // What was typed already is kept: leaving a field sends it.
  if (rests && document.activeElement instanceof HTMLElement && form.contains(document.activeElement))
    document.activeElement.blur();
  form.inert = rests;
}
