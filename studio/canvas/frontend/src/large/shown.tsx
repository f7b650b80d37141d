// Values that are drawn alike wherever they stand: in the width of the dock, and in large.

import type { Json } from "../model";
import type { Stored } from "./documents";
import { Files } from "./files";
import { JsonTree } from "./json_tree";
import { Messages } from "./messages";
import { partOf } from "./part";
import { Picture } from "./picture";
import { Table } from "./table";
import type { Whole } from "./values";

const Chart = partOf(() => import("./chart").then((part) => part.Chart));

/** `zip`: where files are to be had as one archive. */
export function Shown({ whole, zip }: { whole: Whole; zip: string }) {
  const { value } = whole;
  switch (whole.shape) {
    case "messages":
      return <Messages messages={value as never} parts={whole.parts as never} />;
    case "table":
      return <Table table={value as never} whole={!whole.cut} />;
    case "chart":
      return <Chart value={value as never} />;
    case "picture":
      return <Picture value={value as never} unfit={whole.unfit} />;
    case "files":
      return <Files files={value as Record<string, string>} parts={whole.parts as never} zip={zip} />;
    default:
      return <JsonTree value={value} />;
  }
}

/** A place that an answer cites, as `nodes/retrieval/citing.py` tells it. */
interface Citation {
  number: number;
  place: string;
  quote: string;
  score?: number | null;
}

/** The documents of a value that is some, cites some, or texts; null where it is something else. */
export function storedIn({ shape, value }: Whole): Stored[] | null {
  if (shape === "citations")
    return (value as unknown as Citation[]).map(({ number, place, quote, score }) => ({
      number,
      text: quote,
      score,
      metadata: { source: place },
    }));
  if (shape === "documents") return value as unknown as Stored[];
  if (shape === "document") return [value as unknown as Stored];
  return shape === "texts" ? (value as Json[]).map((text) => ({ text: text as string })) : null;
}
