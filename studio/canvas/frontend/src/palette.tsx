// Every kind of node there is: families, a search box, and what to install for those that are missing.

import { memo, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { Icon, KindIcon } from "./icons";
import { Splitter } from "./dock/splitter";
import { PALETTE } from "./dock/sizes";
import type { Press } from "./hooks/carrying";
import { Kind } from "./model";
import { found } from "./search";
import { catalog } from "./store";
import { familyColor } from "./types";

/** Titles first, then synonyms, then what else mentions the words. */
export const search = (kinds: Kind[], query: string): Kind[] =>
  found(kinds, query, (kind) => ({
    title: kind.title,
    words: kind.synonyms,
    about: `${kind.family} ${kind.kind} ${kind.doc ?? ""}`,
  }));

export const firstSentence = (text: string | undefined): string =>
  (text ?? "")
    .split(/\n\n|(?<=[.!?])\s/)[0]
    .replace(/`/g, "")
    .replace(/\s+/g, " ");

/** Which families are folded; a browser that keeps nothing forgets it. */
const SHUT = "patchbay-folded-families";

function remembered(): Set<string> {
  try {
    return new Set((localStorage.getItem(SHUT) ?? "").split("\n"));
  } catch {
    return new Set();
  }
}

function remember(shut: Set<string>): void {
  try {
    localStorage.setItem(SHUT, [...shut].join("\n"));
  } catch {
    // It is only a convenience.
  }
}

interface Props {
  onAdd: (kind: Kind) => void;
  onTake: (kind: Kind, event: React.PointerEvent) => Press;
  onClose: () => void;
  width: number;
  widen: (width: number) => void;
}

export const Palette = memo(function Palette({ onAdd, onTake, onClose, width, widen }: Props) {
  useSyncExternalStore(catalog.changed.subscribe, () => catalog.changed.version);
  const [query, setQuery] = useState("");
  const [shut, setShut] = useState(remembered);
  const list = useRef<HTMLDivElement>(null);
  const shown = useMemo(() => search(catalog.kinds, query), [query, catalog.digest]);
  const families = useMemo(() => {
    const groups = new Map<string, Kind[]>();
    for (const kind of shown) groups.set(kind.family, [...(groups.get(kind.family) ?? []), kind]);
    return [...groups];
  }, [shown]);
  // A finger that carries a node does not scroll: the listener must be there before the finger is.
  useEffect(() => {
    const hold = (event: TouchEvent) => list.current?.closest(".carrying") && event.preventDefault();
    const box = list.current;
    box?.addEventListener("touchmove", hold, { passive: false });
    return () => box?.removeEventListener("touchmove", hold);
  }, []);
  const allShut = families.every(([family]) => shut.has(family));
  const fold = (next: Set<string>) => {
    remember(next);
    setShut(next);
  };
  // Families and their nodes are one list to the arrow keys.
  const step = (event: React.KeyboardEvent, by: number) => {
    const items = [...(list.current?.querySelectorAll<HTMLElement>(".pb-item, .pb-family") ?? [])];
    const root = list.current?.getRootNode() as ShadowRoot | Document;
    const at = items.indexOf(root.activeElement as HTMLElement);
    items[Math.max(0, Math.min(items.length - 1, at + by))]?.focus();
    event.preventDefault();
  };
  return (
    <aside className="pb-palette" aria-label="Palette" style={{ width }}>
      <Splitter label="Width of the palette" side="right" width={width} usual={PALETTE} widen={widen} />
      <div className="pb-palette-head">
        <label className="pb-search">
          <Icon name="search" size={15} />
          <input
            value={query}
            placeholder="Search nodes"
            aria-label="Search nodes"
            spellCheck={false}
            onChange={(event) => setQuery(event.target.value)}
            onKeyDown={(event) => {
              if (!(event.ctrlKey || event.metaKey)) event.stopPropagation();
              if (event.key === "ArrowDown") step(event, 1);
              if (event.key === "Enter" && shown[0] && !shown[0].install) onAdd(shown[0]);
              if (event.key === "Escape") setQuery("");
            }}
          />
          {query && (
            <button className="pb-tool" aria-label="Clear" onClick={() => setQuery("")}>
              <Icon name="close" size={13} />
            </button>
          )}
        </label>
        <button
          className="pb-tool"
          disabled={!!query}
          aria-label={allShut ? "Unfold all families" : "Fold all families"}
          title={allShut ? "Unfold all families" : "Fold all families"}
          onClick={() => fold(new Set(allShut ? [] : families.map(([family]) => family)))}
        >
          <Icon name={allShut ? "unfoldAll" : "foldAll"} />
        </button>
        <button className="pb-tool" aria-label="Hide the palette" title="Hide the palette (P)" onClick={onClose}>
          <Icon name="panel" />
        </button>
      </div>
      <div className="pb-palette-list" ref={list} role="tree" aria-label="Nodes">
        {families.map(([family, kinds]) => {
          const open = !!query || !shut.has(family);
          return (
            <section
              key={family}
              style={{ "--f": familyColor(family) } as React.CSSProperties}
              role="group"
              aria-label={family}
            >
              <button
                className="pb-family"
                role="treeitem"
                aria-level={1}
                aria-expanded={open}
                tabIndex={family === families[0][0] ? 0 : -1}
                onKeyDown={(event) => {
                  if (event.key === "ArrowDown") step(event, 1);
                  if (event.key === "ArrowUp") step(event, -1);
                }}
                onClick={() => {
                  const next = new Set(shut);
                  if (!next.delete(family)) next.add(family);
                  fold(next);
                }}
              >
                <span className={`pb-caret ${open ? "open" : ""}`}>
                  <Icon name="chevron" size={12} />
                </span>
                <span className="pb-family-name">{family}</span>
                <span className="pb-count">{kinds.length}</span>
              </button>
              {open &&
                kinds.map((kind) => <Item key={kind.kind} kind={kind} onAdd={onAdd} onTake={onTake} step={step} />)}
            </section>
          );
        })}
        {!shown.length && <p className="pb-nothing">No node is called that, or does that.</p>}
      </div>
    </aside>
  );
});

function Item({
  kind,
  onAdd,
  onTake,
  step,
}: Pick<Props, "onAdd" | "onTake"> & { kind: Kind; step: (e: React.KeyboardEvent, by: number) => void }) {
  const missing = !!kind.install;
  const press = useRef<Press | null>(null);
  return (
    <div
      className={`pb-item ${missing ? "missing" : ""}`}
      role="treeitem"
      aria-level={2}
      tabIndex={-1}
      aria-disabled={missing}
      title={
        missing
          ? `Needs a package that is not installed:\n${kind.install}`
          : `${kind.doc ?? ""}\n\nDrag it onto the canvas, or double-click; on a touch screen tap it, or hold it and drag.`
      }
      data-kind={kind.kind}
      onPointerDown={(event) => event.button === 0 && !missing && (press.current = onTake(kind, event))}
      onClick={() => press.current?.touch && !press.current.moved && !missing && onAdd(kind)}
      onDoubleClick={() => !press.current?.touch && !missing && onAdd(kind)}
      onContextMenu={(event) => press.current?.touch && event.preventDefault()}
      onKeyDown={(event) => {
        if (event.key === "ArrowDown") step(event, 1);
        if (event.key === "ArrowUp") step(event, -1);
        if (event.key === "Enter" && !missing) {
          event.stopPropagation();
          onAdd(kind);
        }
      }}
    >
      <span className="pb-icon">
        <KindIcon icon={kind.icon} />
      </span>
      <span className="pb-item-text">
        <b>{kind.title}</b>
        <small>{missing ? <code>{kind.install}</code> : firstSentence(kind.doc)}</small>
      </span>
    </div>
  );
}
