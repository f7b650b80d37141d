import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";
import { type Shared, SharedContext } from "../context";
import type { FieldSpec } from "../model";
import { Field } from "./field";

const spec = { name: "template", label: "Template", shape: "textarea" } as FieldSpec;

/** What is drawn of the field of a long text. */
function drawn(node: string, here?: boolean): string {
  const field = createElement(Field, { node, here, spec, value: "Hi", problems: [], choices: [], write: () => {} });
  return renderToStaticMarkup(createElement(SharedContext.Provider, { value: {} as Shared }, field));
}

test("a long text opens in large from the settings, whatever the node is called, and not on the node itself", () => {
  for (const node of ["x", "x-here", "-here"]) {
    expect(drawn(node)).toContain('aria-label="Open Template in large"');
    expect(drawn(node)).toContain(`id="pb-f-${node}-template"`);
    expect(drawn(node, true)).not.toContain("in large");
    expect(drawn(node, true)).toContain(`id="pb-f-${node}-here-template"`);
  }
});
