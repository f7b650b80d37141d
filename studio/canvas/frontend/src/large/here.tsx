// A value where it stands, in the width of the dock: as what it is, cut to what fits, with a way to all of it.

import { useEffect, useState } from "react";
import { get } from "../ask";
import { useShared } from "../context";
import { foundElement } from "../live/elements";
import type { Json } from "../model";
import { Documents, type Stored } from "./documents";
import { Drawn } from "./drawn";
import { JsonTree } from "./json_tree";
import { foundOf } from "./rows";
import { Shown, storedIn } from "./shown";
import type { Large } from "./state";
import { Written, useCited } from "./text";
import { type ValueSide, type Whole, archiveAt } from "./values";

interface Props {
  /** The node, by its path. */
  path: string;
  side: ValueSide;
  port: string;
  /** The run, so that another one is asked for anew. */
  run: string;
  /** Where it is to be seen in large; as what stands here unless given, where a node of the flow has it. */
  large?: Large | null;
}

export function ValueHere({ path, side, port, run, large }: Props) {
  const { doc, large: frame } = useShared();
  const [whole, setWhole] = useState<Whole | "gone" | null>(null);
  useEffect(() => {
    let gone = false;
    void get<Whole>(doc.at("value"), { node: path, side, port, brief: "1" }).then(
      (found) => gone || setWhole(found ?? "gone"),
    );
    return () => void (gone = true);
  }, [doc, path, side, port, run]);
  if (whole === null) return <div className="pb-wait" aria-hidden="true" />;
  if (whole === "gone") return <p className="pb-note-line">The last run has no such value any more.</p>;
  const own: Large | null =
    (side === "in" || side === "out") && !path.includes("/") ? { is: "value", node: path, side, port } : null;
  const where = large === undefined ? own : large;
  return (
    <div className="pb-here">
      <WholeHere whole={whole} zip={archiveAt(doc, path, side, port)} />
      {whole.cut ? <p className="pb-note-line">{whole.cut.toLocaleString("en-US")} more are not shown here.</p> : null}
      {where && (
        <button type="button" className="pb-link" onClick={() => frame.show(where)}>
          Open in large
        </button>
      )}
    </div>
  );
}

/** `zip`: where files are to be had as one archive. */
export function WholeHere({ whole, zip = "" }: { whole: Whole; zip?: string }) {
  const { value } = whole;
  const documents = storedIn(whole);
  if (documents) return <FoundHere documents={documents} />;
  switch (whole.shape) {
    case "text":
      return <TextHere whole={whole} />;
    case "number":
      return <b className="pb-number">{Number(value).toLocaleString("en-US", { maximumSignificantDigits: 6 })}</b>;
    case "nothing":
      return <p className="pb-note-line">Nothing.</p>;
    case "description":
      return <Description value={value as Record<string, Json>} />;
    default:
      return <Shown whole={whole} zip={zip} />;
  }
}

function TextHere({ whole }: { whole: Whole }) {
  const text = String(whole.value);
  const { sources = [] } = whole;
  const [raw, setRaw] = useState(false);
  const [open, setOpen] = useState(false);
  const { cited, cite } = useCited(whole);
  const lead = (number: number, at: number) => (setOpen(true), cite?.(number, at));
  return (
    <>
      {whole.words && (
        <label className="pb-note-line">
          <input type="checkbox" checked={raw} onChange={(event) => setRaw(event.target.checked)} /> as it stands
        </label>
      )}
      <Written text={text} whole={whole} raw={raw} cite={cite && lead} most={sources.length} />
      {sources.length > 0 && (
        <details className="pb-fold" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
          <summary>{sources.length === 1 ? "1 source" : `${sources.length} sources`}</summary>
          {open && <Documents documents={sources} cited={cited} />}
        </details>
      )}
    </>
  );
}

function FoundHere({ documents }: { documents: Stored[] }) {
  return (
    <Drawn
      className="pb-live"
      draw={() => {
        const root = document.createElement("div");
        root.className = "root";
        root.append(...foundOf(documents).map(foundElement));
        return root;
      }}
      of={documents}
    />
  );
}

/** What a description says, without what it leaves open. */
function Description({ value }: { value: Record<string, Json> }) {
  const { $type: kind, ...rest } = value;
  const told = Object.entries(rest).filter(([, one]) => one !== null && one !== "" && !isEmpty(one));
  return (
    <>
      <p className="pb-note-line">{String(kind ?? "")}</p>
      <JsonTree value={Object.fromEntries(told)} />
    </>
  );
}

const isEmpty = (value: Json): boolean =>
  typeof value === "object" && value !== null && Object.keys(value).length === 0;
