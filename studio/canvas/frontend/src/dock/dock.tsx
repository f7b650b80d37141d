// The dock over the canvas, at its right: tabs, and the panel in front.

import { useEffect, useSyncExternalStore } from "react";
import { useShared } from "../context";
import { useStable } from "../hooks/stable";
import { Icon } from "../icons";
import type { DockData } from "../store";
import { PANELS, isPanel } from "./panels";
import { toneOfAll } from "./spoken";
import { WIDTH } from "./sizes";
import { Splitter } from "./splitter";
import { ChosenState, DockState, PROBLEMS, SETTINGS } from "./state";

interface Props {
  state: DockState;
  dock: DockData;
  chosen: ChosenState;
  /** Go to a node, or to a field of its settings. */
  show: (node: string, param?: string) => void;
}

const wishes = new Map<string, number>();

/** What the page wants in front: each wish counts once. */
function useWishes({ state, dock }: Props): void {
  const { doc } = useShared();
  const [panel, times] = dock.front;
  useEffect(() => {
    const before = wishes.get(doc.id) ?? 0;
    wishes.set(doc.id, times);
    if (times > before) {
      state.show(panel);
      doc.try(); // a run was asked for, or a check
    }
  }, [doc, state, panel, times]);
}

export function Dock(props: Props) {
  const { state, dock, chosen, show } = props;
  const { doc } = useShared();
  useSyncExternalStore(state.subscribe, () => state.version);
  useWishes(props);
  const tabs = [SETTINGS, ...dock.panels.filter(isPanel)];
  const tab = tabs.includes(state.tab) ? state.tab : SETTINGS;
  const Panel = PANELS[tab];
  const open = useStable((name: string) => state.show(name));
  const choose = (event: React.KeyboardEvent) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    state.show(tabs[(tabs.indexOf(tab) + by + tabs.length) % tabs.length]);
    const list = event.currentTarget;
    setTimeout(() => list.querySelector<HTMLElement>("[aria-selected=true]")?.focus());
  };
  if (!state.open)
    return (
      <nav className="pb-rail" aria-label="Panels">
        {state.size === "small" && !doc.readonly && (
          <button type="button" onClick={() => state.showPalette(true)} title="Show the palette (P)">
            Palette
          </button>
        )}
        {tabs.map((name) => (
          <button
            key={name}
            type="button"
            onClick={() => state.show(name)}
            title={name === SETTINGS ? `${name} (I)` : name}
          >
            {name}
            {name === PROBLEMS && doc.faults ? <b className={toneOfAll(doc)}>{doc.faults}</b> : null}
          </button>
        ))}
      </nav>
    );
  return (
    <aside className="pb-dock" aria-label="Settings and results" style={{ width: state.width }} onKeyDown={stays}>
      <Splitter
        label="Width of the dock"
        side="left"
        width={state.width}
        usual={WIDTH}
        widen={(width) => state.widen(width)}
      />
      <header>
        <div role="tablist" aria-label="Panels" onKeyDown={choose}>
          {tabs.map((name) => (
            <button
              key={name}
              type="button"
              role="tab"
              aria-selected={name === tab}
              tabIndex={name === tab ? 0 : -1}
              onClick={() => state.show(name)}
            >
              {name}
              {name === PROBLEMS && doc.faults ? <b className={toneOfAll(doc)}>{doc.faults}</b> : null}
            </button>
          ))}
        </div>
        <button
          type="button"
          className="pb-tool"
          title="Fold (I)"
          aria-label="Fold the dock"
          onClick={() => state.fold()}
        >
          <Icon name="chevron" />
        </button>
      </header>
      <div className="pb-dock-body" role="tabpanel" aria-label={tab}>
        <Panel chosen={chosen} dock={dock} show={show} open={open} />
      </div>
    </aside>
  );
}

/** Keys pressed in a field are the field's; beside one the canvas has its own (hooks/page_keys.ts). */
function stays(event: React.KeyboardEvent): void {
  const field = (event.target as Element).closest("input, textarea, select, [contenteditable]");
  const shared = (event.ctrlKey || event.metaKey) && ["Enter", "s", "k"].includes(event.key);
  if (field && !shared) event.stopPropagation();
}
