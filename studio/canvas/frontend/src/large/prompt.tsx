// A long text of a node in an editor: one width of letters, variables in color and completed, beside it the text as it
// would be filled with what came in last. A file of its own.

import {
  type CompletionContext,
  type CompletionResult,
  autocompletion,
  completionKeymap,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import {
  Decoration,
  type DecorationSet,
  EditorView,
  MatchDecorator,
  ViewPlugin,
  type ViewUpdate,
  drawSelection,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { get } from "../ask";
import { useShared } from "../context";
import { keep, textOf, typedInto, valueOf } from "../dock/kept";
import { referenceIn } from "../dock/variables";
import { catalog } from "../store";
import { portsOf } from "../types";
import { filledWith, variablesIn } from "./fill";
import { following, typedIn } from "./follow";
import { type Whole, askValue, askValues } from "./values";

const PAUSE_MS = 250;

interface Props {
  node: string;
  param: string;
  title: string;
}

export function PromptEditor({ node, param, title }: Props) {
  const { doc } = useShared();
  const inst = doc.flow.nodes.find((one) => one.id === node);
  const spec = catalog.byKind.get(inst?.kind ?? "")?.fields?.find((field) => field.name === param);
  const held = spec && valueOf(inst?.params, spec);
  const reference = referenceIn(held);
  const text = textOf(held);
  const write = (typed: string) => {
    if (spec) keep(doc, node, spec, typedInto(spec, typed));
  };
  const values = useLastInputs(node);
  const names = useMemo(() => {
    const wired = inst ? portsOf(doc, inst).inputs.map((port) => port.name) : [];
    return [...new Set([...variablesIn(text), ...wired, ...Object.keys(values)])];
  }, [doc, inst, text, values]);
  const filled = filledWith(text, values);
  const missing = variablesIn(text).filter((name) => !(name in values));
  const known = Object.keys(values).length > 0;
  const header = (
    <header>
      <h2>
        {title} · {spec?.label ?? param}
      </h2>
    </header>
  );
  // It may have become so, or have gone, in another tab while it is open here.
  if (!inst || !spec || reference)
    return (
      <>
        {header}
        <div className="pb-large-body">
          <p className="pb-note-line" role="status">
            {reference
              ? `The variable ${reference} of the flow stands here. Give the setting a value of its own to write it.`
              : "The flow no longer has this."}
          </p>
        </div>
      </>
    );
  return (
    <>
      {header}
      <div className="pb-large-body pb-prompt">
        <section aria-label="Template">
          <div className="pb-tree-head">
            <Count text={text} node={node} />
          </div>
          <Code text={text} write={write} names={names} label={spec.label} readonly={doc.readonly} />
        </section>
        <section aria-label="Filled">
          <div className="pb-tree-head">
            <b>Filled with what came in last</b>
            {known && <Count text={filled} node={node} />}
          </div>
          {known ? (
            <pre className="pb-filled">{filled}</pre>
          ) : (
            <p className="pb-note-line">Run the flow once, and see here what the model reads.</p>
          )}
          {known && missing.length > 0 && (
            <p className="pb-note-line">Nothing has come in yet for {missing.map((name) => `{${name}}`).join(", ")}.</p>
          )}
        </section>
      </div>
    </>
  );
}

/** What the node took in the last run, as text, by port. */
function useLastInputs(node: string): Record<string, string> {
  const { doc } = useShared();
  const [values, setValues] = useState<Record<string, string>>({});
  useEffect(() => {
    let gone = false;
    const ask = async () => {
      const told = await askValues(doc, node);
      const found = await Promise.all(
        Object.keys(told?.in ?? {}).map(async (port): Promise<[string, Whole | null]> => [
          port,
          await askValue(doc, node, "in", port),
        ]),
      );
      const texts = found.flatMap(([port, whole]): [string, string][] => (whole ? [[port, asText(whole)]] : []));
      if (!gone) setValues(Object.fromEntries(texts));
    };
    void ask();
    return () => void (gone = true);
  }, [doc, node]);
  return values;
}

/** As a template writes it out; documents as numbered passages. */
function asText({ shape, value }: Whole): string {
  if (typeof value === "string") return value;
  if (shape === "documents")
    return (value as { text?: string }[]).map((one, i) => `[${i + 1}] ${one.text ?? ""}`).join("\n\n");
  return JSON.stringify(value, null, 2);
}

interface Counted {
  tokens: number;
  how: string;
  context?: number;
}

/** Tokens as the wired model counts them, where it is in memory; else about how many. */
function Count({ text, node }: { text: string; node: string }) {
  const { doc } = useShared();
  const [said, setSaid] = useState("");
  useEffect(() => {
    let gone = false;
    const timer = setTimeout(() => {
      void get<Counted>(doc.at("tokens"), { node }, { method: "POST", body: text }).then((found) => {
        if (gone || !found) return;
        const of = found.context ? ` of ${found.context.toLocaleString("en-US")}` : "";
        setSaid(`${found.tokens.toLocaleString("en-US")} tokens${of}, ${found.how}`);
      });
    }, PAUSE_MS);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [doc, node, text]);
  return (
    <span role="status">
      {text.length.toLocaleString("en-US")} characters{said && ` · ${said}`}
    </span>
  );
}

// --- the editor itself --------------------------------------------------------------------------

const variable = new MatchDecorator({
  regexp: /\{\{|\}\}|\{[^{}\n]*\}/g,
  decoration: (found) => (found[0].length > 2 ? Decoration.mark({ class: "pb-variable" }) : null),
});
const variables = ViewPlugin.fromClass(
  class {
    decorations: DecorationSet;
    constructor(view: EditorView) {
      this.decorations = variable.createDeco(view);
    }
    update(update: ViewUpdate): void {
      this.decorations = variable.updateDeco(update, this.decorations);
    }
  },
  { decorations: (plugin) => plugin.decorations },
);

interface CodeProps {
  text: string;
  write: (text: string) => void;
  names: string[];
  label: string;
  readonly: boolean;
}

function Code({ text, write, names, label, readonly }: CodeProps) {
  const box = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const now = useRef({ write, names });
  now.current = { write, names };
  useEffect(() => {
    if (!box.current) return;
    const complete = (context: CompletionContext): CompletionResult | null => {
      const before = context.matchBefore(/\{\w*/);
      if (!before) return null;
      const closed = context.state.sliceDoc(context.pos, context.pos + 1) === "}";
      const options = now.current.names.map((name) => ({
        label: `{${name}`,
        apply: closed ? `{${name}` : `{${name}}`,
      }));
      return { from: before.from, options, validFor: /^\{\w*$/ };
    };
    const made = new EditorView({
      parent: box.current,
      root: box.current.getRootNode() as ShadowRoot,
      state: EditorState.create({
        doc: text,
        extensions: [
          lineNumbers(),
          history(),
          drawSelection(),
          highlightSelectionMatches(),
          EditorView.lineWrapping,
          EditorState.readOnly.of(readonly),
          EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "true" }),
          variables,
          autocompletion({ override: [complete] }),
          keymap.of([...completionKeymap, ...searchKeymap, ...historyKeymap, ...defaultKeymap]),
          EditorView.updateListener.of((update) => {
            const typed = typedIn(update.transactions);
            if (typed !== null) now.current.write(typed);
          }),
        ],
      }),
    });
    view.current = made;
    made.focus();
    return () => made.destroy();
  }, []);
  // Before the next key: what was typed stands in the flow at once, so that only what another wrote differs.
  useLayoutEffect(() => {
    const follow = view.current && following(view.current.state, text);
    if (follow) view.current?.dispatch(follow);
  }, [text]);
  return <div className="pb-code" ref={box} />;
}
