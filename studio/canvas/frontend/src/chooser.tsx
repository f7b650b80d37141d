// One list for everything that is chosen by typing: nodes to add, nodes to find, wires to draw.

import { useEffect, useMemo, useRef, useState } from "react";
import { Icon } from "./icons";
import { found } from "./search";

export interface Choice {
  key: string;
  title: string;
  detail?: string;
  /** Other words by which people look for it. */
  words?: string[];
  color?: string;
  icon?: React.ReactNode;
  disabled?: boolean;
}
export interface Question {
  title: string;
  placeholder: string;
  choices: Choice[];
  empty: string;
  at?: { x: number; y: number };
  pick: (key: string) => void;
  /** What is typed is a choice of its own: how it stands in the list. Its key is what was typed. */
  typed?: (text: string) => Omit<Choice, "key">;
  /** More choices, which take a moment to be found. */
  later?: () => Promise<Choice[]>;
}

const NONE: Choice[] = [];

export function Chooser({ question, onClose }: { question: Question; onClose: () => void }) {
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(0);
  const [more, setMore] = useState<Choice[]>(NONE);
  useEffect(() => {
    let gone = false;
    void question.later?.().then((choices) => gone || setMore(choices));
    return () => void (gone = true);
  }, [question]);
  const box = useRef<HTMLDivElement>(null);
  const shown = useMemo(
    () => [
      ...(question.typed && query.trim() ? [{ ...question.typed(query.trim()), key: query.trim() }] : []),
      ...found([...question.choices, ...more], query, (c) => ({
        title: c.title,
        words: c.words,
        about: c.detail ?? "",
      })).slice(0, 200),
    ],
    [query, question, more],
  );
  useEffect(() => setAt(0), [query]);
  useEffect(() => {
    box.current?.querySelector(".at")?.scrollIntoView({ block: "nearest" });
  }, [at]);
  const pick = (choice: Choice | undefined) => {
    if (!choice || choice.disabled) return;
    onClose();
    question.pick(choice.key);
  };
  const place = question.at
    ? { left: `min(${question.at.x}px, calc(100% - 316px))`, top: `min(${question.at.y}px, calc(100% - 340px))` }
    : undefined;
  return (
    <div
      className={`pb-veil ${question.at ? "clear" : ""}`}
      onPointerDown={(event) => event.target === event.currentTarget && onClose()}
    >
      <div
        className={`pb-chooser ${question.at ? "placed" : ""}`}
        style={place}
        role="dialog"
        aria-label={question.title}
        ref={box}
      >
        <div className="pb-chooser-title">{question.title}</div>
        <input
          autoFocus
          value={query}
          placeholder={question.placeholder}
          aria-label={question.title}
          role="combobox"
          aria-expanded="true"
          aria-controls="pb-choices"
          aria-activedescendant={shown[at] ? `pb-choice-${at}` : undefined}
          spellCheck={false}
          onChange={(event) => setQuery(event.target.value)}
          onKeyDown={(event) => {
            event.stopPropagation();
            if (event.key === "Escape") onClose();
            else if (event.key === "Enter") pick(shown[at]);
            else if (event.key === "ArrowDown") setAt((i) => Math.min(shown.length - 1, i + 1));
            else if (event.key === "ArrowUp") setAt((i) => Math.max(0, i - 1));
            else return;
            event.preventDefault();
          }}
        />
        <div className="pb-choices" id="pb-choices" role="listbox">
          {shown.map((choice, i) => (
            <div
              key={choice.key}
              id={`pb-choice-${i}`}
              role="option"
              aria-selected={i === at}
              aria-disabled={choice.disabled}
              className={`pb-choice ${i === at ? "at" : ""} ${choice.disabled ? "missing" : ""}`}
              style={{ "--f": choice.color ?? "var(--pb-gray)" } as React.CSSProperties}
              onPointerMove={() => setAt(i)}
              onClick={() => pick(choice)}
            >
              {choice.icon && <span className="pb-icon">{choice.icon}</span>}
              <span className="pb-item-text">
                <b>{choice.title}</b>
                {choice.detail && <small>{choice.detail}</small>}
              </span>
            </div>
          ))}
          {!shown.length && (
            <p className="pb-nothing">{question.choices.length ? "Nothing matches." : question.empty}</p>
          )}
        </div>
      </div>
    </div>
  );
}

export interface Entry {
  label: string;
  keys?: string;
  run: () => void;
  danger?: boolean;
  off?: boolean;
}

export function Menu({
  at,
  entries,
  onClose,
}: {
  at: { x: number; y: number };
  entries: (Entry | null)[];
  onClose: () => void;
}) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => box.current?.querySelector<HTMLElement>("button:not(:disabled)")?.focus(), []);
  const step = (by: number) => {
    const items = [...(box.current?.querySelectorAll<HTMLElement>("button:not(:disabled)") ?? [])];
    const active = (box.current?.getRootNode() as ShadowRoot).activeElement as HTMLElement;
    items[(items.indexOf(active) + by + items.length) % items.length]?.focus();
  };
  return (
    <div
      className="pb-veil clear"
      onPointerDown={(e) => e.target === e.currentTarget && onClose()}
      onContextMenu={(e) => (e.preventDefault(), onClose())}
    >
      <div
        className="pb-menu"
        role="menu"
        ref={box}
        style={{
          left: `min(${at.x}px, calc(100% - 232px))`,
          top: `min(${at.y}px, calc(100% - ${entries.length * 30 + 20}px))`,
        }}
        onKeyDown={(event) => {
          event.stopPropagation();
          if (event.key === "Escape" || event.key === "Tab") onClose();
          else if (event.key === "ArrowDown") step(1);
          else if (event.key === "ArrowUp") step(-1);
          else return;
          event.preventDefault();
        }}
      >
        {entries.map((entry, i) =>
          entry ? (
            <button
              key={entry.label}
              role="menuitem"
              disabled={entry.off}
              className={entry.danger ? "danger" : ""}
              onClick={() => (onClose(), entry.run())}
            >
              {entry.label}
              <kbd>{entry.keys}</kbd>
            </button>
          ) : (
            <hr key={i} />
          ),
        )}
      </div>
    </div>
  );
}

const SHORTCUTS: [string, [string, string][]][] = [
  [
    "Add",
    [
      ["N", "Add a node"],
      ["Enter in the palette", "Add it at the centre"],
      ["O", "Add documents"],
      ["M", "Sticky note"],
      ["W", "Wire the selected node, by keyboard"],
      ["Drop a wire on empty canvas", "Add a node that fits"],
      ["Drop a node on a wire", "Insert it there"],
      ["Shift while dropping a wire", "Keep the wire that is there"],
    ],
  ],
  [
    "Edit",
    [
      ["Ctrl Z", "Undo"],
      ["Ctrl Shift Z, Ctrl Y", "Redo"],
      ["Ctrl C, X, V", "Copy, cut, paste"],
      ["Ctrl D", "Duplicate"],
      ["Delete", "Remove"],
      ["F2", "Rename"],
      ["E", "Disable or enable"],
      ["Ctrl G", "Group"],
      ["Ctrl Shift G", "Ungroup"],
      ["S", "Make a flow of the selection"],
      ["Arrows", "Nudge (Shift: further)"],
      ["L", "Lay out automatically"],
    ],
  ],
  [
    "Look",
    [
      ["Ctrl K", "Do, find, add or open anything"],
      ["Ctrl F", "Find a node"],
      ["F", "Fit everything"],
      ["+, −", "Zoom"],
      ["Ctrl A", "Select all"],
      ["Shift drag", "Select an area"],
      ["Tab", "Next node"],
      ["Enter", "Show its settings"],
      ["I, P", "Fold the dock, the palette"],
      ["V", "Full screen"],
      ["Esc", "Let go"],
      ["?", "This sheet"],
    ],
  ],
  [
    "Run",
    [
      ["Ctrl Enter", "Run"],
      ["Ctrl S", "Save now"],
    ],
  ],
];

export function Sheet({ onClose }: { onClose: () => void }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => box.current?.focus(), []);
  return (
    <div className="pb-veil" onPointerDown={(e) => e.target === e.currentTarget && onClose()}>
      <div
        className="pb-sheet"
        role="dialog"
        aria-label="Shortcuts"
        tabIndex={-1}
        ref={box}
        onKeyDown={(event) => {
          event.stopPropagation();
          if (event.key === "Escape" || event.key === "?") onClose();
        }}
      >
        <header>
          Shortcuts
          <button className="pb-tool" aria-label="Close" onClick={onClose}>
            <Icon name="close" />
          </button>
        </header>
        <div className="pb-sheet-columns">
          {SHORTCUTS.map(([title, rows]) => (
            <section key={title}>
              <h4>{title}</h4>
              <dl>
                {rows.map(([keys, what]) => (
                  <div key={keys}>
                    <dt>
                      {keys.split(", ").map((k) => (
                        <kbd key={k}>{k}</kbd>
                      ))}
                    </dt>
                    <dd>{what}</dd>
                  </div>
                ))}
              </dl>
            </section>
          ))}
        </div>
      </div>
    </div>
  );
}
