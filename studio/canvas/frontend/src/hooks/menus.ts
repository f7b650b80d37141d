// What opens above the canvas and goes away again: a question, a menu, the sheet of shortcuts.

import type { Edge as DrawnEdge } from "@xyflow/react";
import { useState } from "react";
import type { Entry, Question } from "../chooser";
import type { Point } from "../edits";
import { menuEntries } from "../menu";
import type { Bench, Tools } from "./tools";

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
export function useMenus(bench: Bench, tools: Tools, open: (menu: OpenMenu) => void) {
  const { nodesNow, choose } = bench.scene;
  const { inBox, toFlow } = bench.places;
  const exports = (event: React.MouseEvent): void => {
    const { left, bottom } = event.currentTarget.getBoundingClientRect();
    open({ at: inBox(left, bottom + 6), entries: tools.exports });
  };
  const context = (event: React.MouseEvent, id?: string, wire?: DrawnEdge): void => {
    event.preventDefault();
    if (bench.doc.readonly) return;
    if (id && !nodesNow().find((n) => n.id === id)?.selected) choose([id]);
    if (wire) choose([], [wire.id]);
    const { clientX: x, clientY: y } = event;
    const where = { at: inBox(x, y), spot: toFlow(x, y), page: { x, y } };
    open({ at: where.at, entries: menuEntries(bench, tools, id, wire, where) });
  };
  return { exports, context };
}
