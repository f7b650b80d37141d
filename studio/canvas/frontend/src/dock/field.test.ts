import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";
import { type Shared, SharedContext } from "../context";
import { whole, type FieldSpec, type Problem } from "../model";
import { Doc } from "../store";
import { Field } from "./field";

const spec = { name: "template", label: "Template", shape: "textarea" } as FieldSpec;

/** What is drawn of the field of a long text. */
function drawn(node: string, here?: boolean, problems: Problem[] = [], doc = new Doc("d")): string {
  const field = createElement(Field, { node, here, spec, value: "Hi", problems, choices: [], write: () => {} });
  return renderToStaticMarkup(createElement(SharedContext.Provider, { value: { doc } as Shared }, field));
}

test("a long text opens in large from the settings, whatever the node is called, and not on the node itself", () => {
  for (const node of ["x", "x-here", "-here"]) {
    expect(drawn(node)).toContain('aria-label="Open Template in large"');
    expect(drawn(node)).toContain(`id="pb-f-${node}-template"`);
    expect(drawn(node, true)).not.toContain("in large");
    expect(drawn(node, true)).toContain(`id="pb-f-${node}-here-template"`);
  }
});

test("a field is red only after a try, and speaks of nodes by their titles", () => {
  const doc = new Doc("d");
  doc.flow = whole({ nodes: [{ id: "ask", kind: "k", title: "The answerer" }] });
  const problem: Problem = {
    code: "params/invalid",
    severity: "error",
    message: '"ask" lacks it.',
    fix: "Give it one.",
  };
  const before = drawn("ask", false, [problem], doc);
  expect(before).toContain("“The answerer” lacks it.");
  expect(before).toContain('class="pb-problem todo"');
  expect(before).not.toContain("bad");
  doc.tried = true;
  const after = drawn("ask", false, [problem], doc);
  expect(after).toContain('class="pb-problem error"');
  expect(after).toContain("pb-field textarea bad");
});
