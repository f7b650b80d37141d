// Questions of a run to people, in the dock: the drawing that the chat has too, with values drawn as everywhere here.

import { useEffect, useRef } from "react";
import { type Root, createRoot } from "react-dom/client";
import { get } from "../ask";
import type { Question } from "../chat/caller";
import { type Give, questionElement } from "../chat/question";
import css from "../chat/question.css?inline";
import { type Shared, SharedContext, useShared } from "../context";
import { useStable } from "../hooks/stable";
import { WholeHere } from "../large/here";
import type { Whole } from "../large/values";

/** `told_question` in studio/inspector/told_run.py. */
export interface Asked extends Question {
  run: string;
  shown: Whole | null;
}

interface Props {
  asked: Asked[];
  /** What is said of an answer, "" where it was taken; and whether somebody was faster. */
  say: (words: string, late: boolean) => void;
  done: () => void;
}

/** Questions that are drawn. They outlive their panel, so that what is half typed does too. */
const drawn = new Map<string, { root: HTMLElement; values: Root[]; give: { now: Give } }>();
const keyOf = (asked: Asked): string => `${asked.run} ${asked.question}`;

/** Forget the questions of a run that are not asked any more. */
function forget(run: string, asked: Asked[]): void {
  const open = new Set(asked.map(keyOf));
  for (const [key, { values }] of drawn) {
    if (!key.startsWith(`${run} `) || open.has(key)) continue;
    drawn.delete(key);
    setTimeout(() => values.forEach((root) => root.unmount()));
  }
}

export function Questions({ asked, say, done }: Props) {
  const { doc } = useShared();
  const give: Give = useStable(async (answer) => {
    const told = await get<{ said: string; late: boolean }>(
      doc.at("answer"),
      {},
      { method: "POST", body: JSON.stringify(answer) },
    );
    if (!told) throw new Error("The studio does not answer.");
    if (told.said && !told.late) throw new Error(told.said);
    say(told.said, told.late);
    done();
  });
  useEffect(() => forget(asked[0].run, asked), [asked]);
  return (
    <>
      <style>{css}</style>
      {asked.map((one) => (
        <OneQuestion key={keyOf(one)} asked={one} give={give} />
      ))}
    </>
  );
}

function OneQuestion({ asked, give }: { asked: Asked; give: Give }) {
  const shared = useShared();
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const known = drawn.get(keyOf(asked)) ?? draw(asked, shared);
    known.give.now = give;
    place.current?.replaceChildren(known.root);
  }, [asked.run, asked.question, give]);
  return <div ref={place} />;
}

function draw(asked: Asked, shared: Shared) {
  const values: Root[] = [];
  const give = { now: (async () => {}) as Give };
  const look = (): HTMLElement | null => {
    if (!asked.shown) return null;
    const place = document.createElement("div");
    place.className = "pb-here";
    const root = createRoot(place);
    values.push(root);
    root.render(
      <SharedContext.Provider value={shared}>
        <WholeHere whole={asked.shown} />
      </SharedContext.Provider>,
    );
    return place;
  };
  const made = { root: questionElement(asked, (answer) => give.now(answer), look), values, give };
  drawn.set(keyOf(asked), made);
  return made;
}
