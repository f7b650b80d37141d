// What opens above the canvas and goes away again: a question, a menu, the sheet of shortcuts.

import type { Edge as DrawnEdge } from "@xyflow/react";
import { useState } from "react";
import type { Entry, Question } from "../chooser";
import type { Point } from "../edits";
import type { Keys } from "../keys";
import type { Doc } from "../store";
import type { Places } from "./places";
import type { Scene } from "./scene";

export interface OpenMenu {
  at: Point;
  entries: (Entry | null)[];
}

export function useOverlays(focus: () => void) {
  const [question, setQuestion] = useState<Question | null>(null);
  const [menu, setMenu] = useState<OpenMenu | null>(null);
  const [sheet, setSheet] = useState(false);
  return {
    question,
    setQuestion,
    closeQuestion: () => (setQuestion(null), focus()),
    menu,
    setMenu,
    closeMenu: () => (setMenu(null), focus()),
    sheet,
    setSheet,
    closeSheet: () => (setSheet(false), focus()),
  };
}

/** What a right click, and the button for exports, open. */
export function useMenus(doc: Doc, scene: Scene, places: Places, keys: Keys, open: (menu: OpenMenu) => void) {
  const { nodesNow, choose } = scene;
  const { inBox, toFlow } = places;
  const exports = (event: React.MouseEvent): void => {
    const { left, bottom } = event.currentTarget.getBoundingClientRect();
    open({ at: inBox(left, bottom + 6), entries: keys.exports });
  };
  const context = (event: React.MouseEvent, id?: string, wire?: DrawnEdge): void => {
    event.preventDefault();
    if (doc.readonly) return;
    if (id && !nodesNow().find((n) => n.id === id)?.selected) choose([id]);
    if (wire) choose([], [wire.id]);
    const at = inBox(event.clientX, event.clientY);
    open({ at, entries: keys.entries(id, wire, { at, spot: toFlow(event.clientX, event.clientY) }) });
  };
  return { exports, context };
}
