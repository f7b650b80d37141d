import { expect, test } from "vitest";
import { whole, type Problem } from "../model";
import { spoken, toneOf, wordFor, worstOf } from "./spoken";

const flow = whole({
  nodes: [
    { id: "ask", kind: "model.ask", title: "The answerer" },
    { id: "in", kind: "io.input", title: "Question" },
    { id: "lost", kind: "io.note", title: "Lost" },
  ],
});
const problem = (code: string, severity: Problem["severity"]): Problem => ({ code, severity, message: "" });

test("a message names nodes by their titles, ports beside them, and leaves what it does not know", () => {
  const said: [string, string][] = [
    ['"ask.model" takes chat model and has no wire.', "“The answerer” (model) takes chat model and has no wire."],
    ['Wire it from "in.value".', "Wire it from “Question” (value)."],
    ["Wire from in.value", "Wire from “Question” (value)"],
    [
      "These nodes wait for each other: ask → in → ask.",
      "These nodes wait for each other: “The answerer” → “Question” → “The answerer”.",
    ],
    ['Remove the wire "ask.text → in.value".', "Remove the wire “The answerer” (text) → “Question” (value)."],
    ['"Lost" (lost) leads to no output.', "“Lost” leads to no output."],
    ['"ask.model" (The answerer) takes chat model.', "“The answerer” (model) takes chat model."],
    ['Wire "ask" or e.g. this.', "Wire “The answerer” or e.g. this."],
    ['There is no flow "ask" here.', 'There is no flow "ask" here.'],
    ['"ask" gives the input "in" to the flow "lost".', '“The answerer” gives the input "in" to the flow "lost".'],
    ['There is no variable "ask"; the note "in" is long.', 'There is no variable "ask"; the note "in" is long.'],
    ['"other.port" takes text; "mode" is no node.', '"other.port" takes text; "mode" is no node.'],
  ];
  for (const [message, words] of said) expect(spoken(message, flow)).toBe(words);
});

test("nothing is red before the first try; then errors are", () => {
  const missing = problem("wiring/required", "error");
  const wrong = problem("params/invalid", "error");
  const loose = problem("structure/unreachable", "warning");
  const heavy = problem("resources/memory", "warning");
  const all = [missing, wrong, loose, heavy];
  expect(all.map((one) => toneOf(one, false))).toEqual(["todo", "todo", "todo", "warning"]);
  expect(all.map((one) => toneOf(one, true))).toEqual(["error", "error", "warning", "warning"]);
  expect([worstOf(all, false), worstOf([missing, wrong], false), worstOf(all, true)]).toEqual([
    "warning",
    "todo",
    "error",
  ]);
  expect(all.map((one) => wordFor(one, toneOf(one, false)))).toEqual([
    "still to do",
    "to correct",
    "still to do",
    "warning",
  ]);
  expect(wordFor(wrong, "error")).toBe("error");
});
