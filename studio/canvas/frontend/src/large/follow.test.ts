import { history, undo } from "@codemirror/commands";
import { EditorState, type TransactionSpec } from "@codemirror/state";
import { expect, test } from "vitest";
import { apply } from "../apply";
import { keeping, textOf, typedInto, valueOf } from "../dock/kept";
import { type FieldSpec, type Json, whole } from "../model";
import { following, fromFlow, typedIn } from "./follow";

const at = (doc: string, anchor = 0) => EditorState.create({ doc, selection: { anchor }, extensions: [history()] });
const followed = (state: EditorState, kept: string): EditorState =>
  state.update(following(state, kept) as TransactionSpec).state;

test("what was written elsewhere stands in the editor, and the selection stays at its text", () => {
  const after = followed(at("Answer {question} shortly.", 18), "Please answer {question} shortly.");
  expect(after.doc.toString()).toBe("Please answer {question} shortly.");
  expect(after.sliceDoc(after.selection.main.head)).toBe("shortly.");
});

test.each([
  ["aaa", "aa"],
  ["aa", "aaa"],
  ["", "new"],
  ["old", ""],
  ["abab", "ab"],
  ["one\ntwo", "one\nand\ntwo"],
  ["x😀y", "x😁y"],
])("from %j to %j", (before, after) => {
  expect(followed(at(before), after).doc.toString()).toBe(after);
});

test("what was typed here, or has other ends of lines, is no change", () => {
  expect(following(at("same"), "same")).toBeNull();
  expect(following(at("a\nb"), "a\r\nb")).toBeNull();
});

test("what comes from the flow is not written back, what is typed is", () => {
  const state = at("one");
  expect(typedIn([state.update(following(state, "two") as TransactionSpec)])).toBeNull();
  expect(typedIn([state.update({ changes: { from: 3, insert: "!" } })])).toBe("one!");
  expect(typedIn([state.update({ selection: { anchor: 1 } })])).toBeNull();
  expect(state.update(following(state, "two") as TransactionSpec).annotation(fromFlow)).toBe(true);
});

test("undoing here takes back what was typed here, not what another wrote", () => {
  let state = at("one");
  state = state.update({ changes: { from: 3, insert: " typed" }, userEvent: "input.type" }).state;
  state = followed(state, "From elsewhere: one typed");
  undo({ state, dispatch: (transaction) => (state = transaction.state) });
  expect(state.doc.toString()).toBe("From elsewhere: one");
});

const spec = (more: Partial<FieldSpec>): FieldSpec => ({ name: "system", shape: "textarea", ...more }) as FieldSpec;
/** The params of a node after a text was typed into it. */
function after(field: FieldSpec, text: string): Record<string, Json> | undefined {
  const flow = whole({ nodes: [{ id: "n", kind: "k", params: { system: "before", other: 1 } }] });
  return apply(flow, keeping("n", field, typedInto(field, text))).nodes[0].params;
}

test("an emptied text is nothing where that is allowed, and the default is not kept", () => {
  expect(after(spec({ nullable: true, default: "Be kind." }), "")).toEqual({ other: 1, system: null });
  expect(after(spec({ nullable: true, default: null }), "")).toEqual({ other: 1 });
  expect(after(spec({ default: "" }), "")).toEqual({ other: 1 });
  expect(after(spec({ required: true, default: "x" }), "x")).toEqual({ other: 1, system: "x" });
});

test("a text that is nothing stands empty, not as its default or as null", () => {
  const field = spec({ nullable: true, default: "Be kind." });
  expect(textOf(valueOf({ system: null }, field))).toBe("");
  expect(textOf(valueOf({}, field))).toBe("Be kind.");
});
