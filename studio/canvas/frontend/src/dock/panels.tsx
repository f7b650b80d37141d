// The panels of the dock, by the names of their tabs. Each is there at once when its tab is chosen: whatever it asks
// Python comes later.

import type { ComponentType } from "react";
import { partOf } from "../large/part";
import type { DockData } from "../store";
import { Inspector } from "./inspector";
import { ProblemsPanel } from "./problems";
import { ResultsPanel } from "./results";
import { RunPanel } from "./run";
import { CHAT, type ChosenState, PROBLEMS, RUN, SETTINGS, VALUES } from "./state";

export interface PanelProps {
  chosen: ChosenState;
  dock: DockData;
  /** Go to a node, or to a field of its settings. */
  show: (node: string, param?: string) => void;
  /** Bring another tab to the front. */
  open: (tab: string) => void;
}

const ChatPanel = partOf(() => import("../chat/panel").then((part) => part.ChatPanel));

export const PANELS: Record<string, ComponentType<PanelProps>> = {
  [SETTINGS]: ({ chosen }) => <Inspector state={chosen} />,
  [VALUES]: ({ chosen }) => <ResultsPanel chosen={chosen} />,
  [CHAT]: ({ show }) => <ChatPanel show={show} />,
  [RUN]: ({ dock, show, open }) => <RunPanel dock={dock} show={show} open={open} />,
  [PROBLEMS]: ({ show }) => <ProblemsPanel show={show} />,
};

export const isPanel = (tab: string): boolean => Object.hasOwn(PANELS, tab);
