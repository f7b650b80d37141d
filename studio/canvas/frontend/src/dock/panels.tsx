// The panels that the canvas draws in its dock, by the names of their tabs. What is not here the page draws
// (outside.ts). A panel is at once there when its tab is chosen: whatever it asks Python comes later.

import type { ComponentType } from "react";
import { partOf } from "../large/part";
import type { DockData } from "../store";
import { Inspector } from "./inspector";
import { ProblemsPanel } from "./problems";
import { ResultsPanel } from "./results";
import { CHAT, type ChosenState, PROBLEMS, SETTINGS, VALUES } from "./state";

export interface PanelProps {
  chosen: ChosenState;
  dock: DockData;
  /** Go to a node. */
  show: (node: string) => void;
}

const ChatPanel = partOf(() => import("../chat/panel").then((part) => part.ChatPanel));

const PANELS: Record<string, ComponentType<PanelProps>> = {
  [SETTINGS]: ({ chosen }) => <Inspector state={chosen} />,
  [VALUES]: ({ chosen }) => <ResultsPanel chosen={chosen} />,
  [CHAT]: ({ show }) => <ChatPanel show={show} />,
  [PROBLEMS]: ({ show }) => <ProblemsPanel show={show} />,
};

/** What the canvas draws of a tab; undefined where the page does. */
export const panelOf = (tab: string): ComponentType<PanelProps> | undefined =>
  Object.hasOwn(PANELS, tab) ? PANELS[tab] : undefined;
