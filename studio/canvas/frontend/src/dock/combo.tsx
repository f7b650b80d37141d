// A text with suggestions: one of them can be chosen, anything else can be typed.

import { useRef, useState } from "react";
import { Icon } from "../icons";
import { useDraft } from "./draft";

export type Choice = [value: string, words: string];

interface Props {
  id: string;
  value: string;
  choices: Choice[];
  placeholder?: string;
  write: (text: string) => void;
}

export function Combo({ id, value, choices, placeholder, write }: Props) {
  const draft = useDraft(value, write);
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(-1);
  const [filter, setFilter] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const wanted = draft.text.toLowerCase();
  const shown = filter ? choices.filter((choice) => choice[1].toLowerCase().includes(wanted)) : choices;
  const pick = (choice: Choice) => {
    draft.type(choice[0]);
    draft.settle();
    setOpen(false);
  };
  const unfold = () => {
    setFilter(false);
    setAt(choices.findIndex((choice) => choice[0] === draft.text));
    setOpen(true);
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key === "Escape" && open) {
      event.stopPropagation();
      setOpen(false);
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!open) return unfold();
      setAt(Math.max(0, Math.min(shown.length - 1, at + (event.key === "ArrowDown" ? 1 : -1))));
    } else if (event.key === "Enter" && open && shown[at]) {
      event.preventDefault();
      pick(shown[at]);
    }
  };
  const leave = (event: React.FocusEvent) => {
    if (box.current?.contains(event.relatedTarget as Node | null)) return;
    setOpen(false);
    draft.settle();
  };
  return (
    <div className="pb-combo" ref={box} onBlur={leave}>
      <input
        id={id}
        role="combobox"
        aria-expanded={open}
        aria-controls={`${id}-list`}
        aria-activedescendant={open && shown[at] ? `${id}-${at}` : undefined}
        autoComplete="off"
        spellCheck={false}
        value={draft.text}
        placeholder={placeholder}
        onChange={(event) => {
          draft.type(event.target.value);
          setFilter(true);
          setAt(-1);
          setOpen(choices.length > 0);
        }}
        onKeyDown={onKeyDown}
      />
      {choices.length > 0 && (
        <button
          type="button"
          className="pb-tool"
          tabIndex={-1}
          aria-label="Show what there is"
          onClick={() => (open ? setOpen(false) : unfold())}
        >
          <Icon name="chevron" size={13} />
        </button>
      )}
      {open && shown.length > 0 && (
        <ul role="listbox" id={`${id}-list`}>
          {shown.map((choice, index) => (
            <li
              key={choice[0]}
              id={`${id}-${index}`}
              role="option"
              aria-selected={choice[0] === draft.text}
              className={index === at ? "at" : ""}
              onPointerDown={(event) => event.preventDefault()}
              onClick={() => pick(choice)}
            >
              {choice[1]}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
