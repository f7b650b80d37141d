// Questions of a run to people: what to look at, and the answer to give. A file of its own.

import { type ReactNode, useState } from "react";
import { get } from "../ask";
import type { Schema, TableValue } from "../asked";
import { useShared } from "../context";
import { WholeHere } from "../large/here";
import type { Whole } from "../large/values";
import type { Json } from "../model";
import { AskedForm } from "./asked_form";
import { AskedTable } from "./asked_table";
import { Changes } from "./changes";
import { parseLoose } from "./loose";
import { Alert } from "./step";

/** `told_question` in studio/inspector/told_run.py. */
export interface Asked {
  question: string;
  run: string;
  title: string;
  whom: string;
  until_words: string;
  wants: Wants;
  value: Json;
  shown: Whole | null;
  /** Why it cannot be read here. */
  wrong?: string;
}
interface Wants {
  kind: string;
  options?: string[];
  of?: string;
  schema?: Schema;
  tool?: string;
  arguments?: Json;
}
/** Sends an answer. */
export type Give = (value: Json, comment?: string) => Promise<void>;

/** Choices up to which each is a button of its own. */
const BUTTONS = 6;

interface Props {
  asked: Asked[];
  /** What is said of an answer, "" where it was taken; and whether somebody was faster. */
  say: (words: string, late: boolean) => void;
  done: () => void;
}

export function Questions({ asked, say, done }: Props) {
  const { doc } = useShared();
  const [busy, setBusy] = useState("");
  const give = async (question: string, value: Json, comment = "") => {
    setBusy(question);
    const told = await get<{ said: string; late: boolean }>(
      doc.at("answer"),
      {},
      { method: "POST", body: JSON.stringify({ question, value, comment }) },
    );
    setBusy("");
    say(told ? told.said : "The studio does not answer.", Boolean(told?.late));
    if (told) done();
  };
  return (
    <>
      {asked.map((one) => (
        <fieldset key={one.question} className="pb-asked" disabled={busy === one.question} aria-label={one.title}>
          <OneQuestion asked={one} give={(value, comment) => give(one.question, value, comment)} />
        </fieldset>
      ))}
    </>
  );
}

function OneQuestion({ asked, give }: { asked: Asked; give: Give }) {
  const { wants } = asked;
  return (
    <>
      <p>
        <b>{asked.title}</b> {asked.whom && <small>for {asked.whom}</small>}
      </p>
      {asked.until_words && <p className="pb-note-line">{asked.until_words}</p>}
      {asked.wrong ? (
        <p className="pb-problem">{asked.wrong}</p>
      ) : (
        <>
          {asked.shown && wants.kind !== "edit" && (
            <div className="pb-here">
              <WholeHere whole={asked.shown} />
            </div>
          )}
          {ways(asked, give)[wants.kind]?.() ?? (
            <p className="pb-problem">This page does not know how to answer this. Reload it.</p>
          )}
        </>
      )}
    </>
  );
}

/** How each kind is answered. */
const ways = ({ wants, value }: Asked, give: Give): Record<string, () => ReactNode> => ({
  approval: () => <Approval give={give} />,
  choice: () => <Choice options={wants.options ?? []} give={give} />,
  edit: () =>
    wants.of === "table" ? (
      <AskedTable table={value as unknown as TableValue} give={give} />
    ) : (
      <Edit value={value} plain={wants.of === "text"} give={give} />
    ),
  form: () => <AskedForm schema={wants.schema ?? {}} give={give} />,
  decision: () => <Decision tool={wants.tool ?? ""} given={wants.arguments ?? {}} give={give} />,
});

function Approval({ give }: { give: Give }) {
  const [comment, setComment] = useState("");
  return (
    <>
      <label className="pb-field">
        Comment
        <input value={comment} placeholder="Why, if you like" onChange={(event) => setComment(event.target.value)} />
      </label>
      <div className="pb-buttons">
        <button type="button" className="fix" onClick={() => void give(true, comment)}>
          ✓ Approve
        </button>
        <button type="button" onClick={() => void give(false, comment)}>
          Reject
        </button>
      </div>
    </>
  );
}

function Choice({ options, give }: { options: string[]; give: Give }) {
  const [chosen, setChosen] = useState("");
  if (options.length <= BUTTONS)
    return (
      <div className="pb-buttons">
        {options.map((option) => (
          <button key={option} type="button" onClick={() => void give(option)}>
            {option}
          </button>
        ))}
      </div>
    );
  return (
    <>
      <label className="pb-field">
        Choice
        <select value={chosen} onChange={(event) => setChosen(event.target.value)}>
          <option value="" />
          {options.map((option) => (
            <option key={option}>{option}</option>
          ))}
        </select>
      </label>
      <div className="pb-buttons">
        <button type="button" className="fix" disabled={!chosen} onClick={() => void give(chosen)}>
          Answer
        </button>
      </div>
    </>
  );
}

/** A text or JSON as the person would have it, with what they change in it. */
function Edit({ value, plain, give }: { value: Json; plain: boolean; give: Give }) {
  const before = plain ? String(value ?? "") : JSON.stringify(value, null, 2);
  const [text, setText] = useState(before);
  const [wrong, setWrong] = useState("");
  const send = () => {
    if (plain) return void give(text);
    const [read, error] = parsed(text);
    setWrong(error);
    if (!error) void give(read);
  };
  return (
    <>
      <label className="pb-field">
        The value
        <textarea
          rows={Math.min(14, Math.max(4, before.split("\n").length + 1))}
          className={plain ? "" : "code"}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      </label>
      <Changes before={before} after={text} />
      {wrong && <Alert words={wrong} />}
      <div className="pb-buttons">
        <button type="button" className="fix" onClick={send}>
          {text === before ? "Take it as it is" : "Answer"}
        </button>
      </div>
    </>
  );
}

/** What becomes of a call of a tool. */
function Decision({ tool, given, give }: { tool: string; given: Json; give: Give }) {
  const before = JSON.stringify(given, null, 2);
  const [text, setText] = useState(before);
  const [message, setMessage] = useState("");
  const [wrong, setWrong] = useState("");
  const run = () => {
    if (text === before) return void give({ decision: "approve" });
    const [read, error] = parsed(text);
    setWrong(error);
    if (!error) void give({ decision: "edit", arguments: read });
  };
  return (
    <>
      <p>
        Tool <b>{tool}</b>
      </p>
      <label className="pb-field">
        Arguments
        <textarea rows={5} className="code" value={text} onChange={(event) => setText(event.target.value)} />
      </label>
      <Changes before={before} after={text} />
      <label className="pb-field">
        Words for the model
        <input
          value={message}
          placeholder="Why not, or the result to give"
          onChange={(event) => setMessage(event.target.value)}
        />
      </label>
      {wrong && <Alert words={wrong} />}
      <div className="pb-buttons">
        <button type="button" className="fix" onClick={run}>
          {text === before ? "Run it" : "Run it with these"}
        </button>
        <button type="button" onClick={() => void give({ decision: "reject", message })}>
          Reject
        </button>
        <button type="button" onClick={() => void give({ decision: "respond", message })}>
          Answer for it
        </button>
      </div>
    </>
  );
}

function parsed(text: string): [value: Json, error: string] {
  const { value, error } = parseLoose(text);
  return [value, error];
}
