// Keys that are pressed beside the canvas: on the page, where nothing has the focus, or in the docks.

import { type RefObject, useEffect } from "react";
import type { Doc } from "../store";
import { useStable } from "./stable";

/** Where a key went down: what of the canvas's own keys it may be. */
export type Reach = "all" | "words" | "few" | "none";

const FIELDS = "input:not([type=checkbox], [type=range], [type=radio]), textarea, select, [contenteditable]";
/** With Control, from a field: nothing that a field means itself. */
const FROM_FIELDS = new Set(["k", "s"]);

/** What keys reach from an element; `inside`: it belongs to the editor. */
export function reachFrom(target: Element | null, inside: boolean): Reach {
  if (!target || target.matches("body, html")) return "all";
  if (target.closest("[role=dialog], [role=menu], [role=listbox], iframe")) return "none";
  if (target.closest(FIELDS)) return "few";
  return inside || target.closest("a, button, summary, [tabindex]") ? "words" : "all";
}

/** Whether a key does on the canvas what it does there; what has the focus keeps Enter, the arrows and the like. */
export function reaches(reach: Reach, key: string, ctrl: boolean): boolean {
  if (reach === "few") return ctrl && FROM_FIELDS.has(key);
  if (reach === "words") return ctrl ? key.length === 1 && key !== "a" : key.length === 1 && key !== " ";
  return reach === "all";
}

/** The element that has the focus, inside of shadow roots too. */
function focused(): Element | null {
  let active = document.activeElement;
  while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
  return active;
}

/** Hear the keys of the page, and take the focus once the flow is there, if nothing else has it. */
export function usePageKeys(
  doc: Doc,
  root: RefObject<HTMLElement | null>,
  focus: () => void,
  press: (event: KeyboardEvent, key: string, ctrl: boolean) => void,
): void {
  useEffect(() => {
    if (doc.ready && reachFrom(focused(), false) === "all") focus();
  }, [doc, doc.ready, focus]);
  const hear = useStable((event: KeyboardEvent) => {
    const path = event.composedPath();
    const canvas = root.current;
    if (event.defaultPrevented || event.altKey || event.isComposing || !canvas || path.includes(canvas)) return;
    const shadow = canvas.getRootNode() as ShadowRoot | Document;
    if (shadow.querySelector("[role=dialog]") || document.querySelector("[role=dialog]")) return;
    const app = canvas.closest(".pb-app");
    const ctrl = event.ctrlKey || event.metaKey;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const target = path[0] instanceof Element ? path[0] : null;
    if (reaches(reachFrom(target, !!app && path.includes(app)), key, ctrl)) press(event, key, ctrl);
  });
  useEffect(() => {
    window.addEventListener("keydown", hear);
    return () => window.removeEventListener("keydown", hear);
  }, [hear]);
}
