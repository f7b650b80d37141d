// A value of the last run in large, as what it is; and two of them as a difference. A file of its own.

import { useEffect, useState } from "react";
import { useShared } from "../context";
import type { Json } from "../model";
import type { Doc } from "../store";
import type { Side } from "../types";
import { Documents, type Stored } from "./documents";
import { Files } from "./files";
import { JsonTree } from "./json_tree";
import { Messages } from "./messages";
import { partOf } from "./part";
import { Picture } from "./picture";
import { Table } from "./table";
import { Text } from "./text";
import { type Told, type Whole, askValue, askValues } from "./values";

const Chart = partOf(() => import("./chart").then((part) => part.Chart));
const Difference = partOf(() => import("./difference").then((part) => part.Difference));

interface Props {
  node: string;
  title: string;
  side: Side;
  port: string;
}
const keyOf = (side: string, port: string): string => `${side} ${port}`;

/** A value, once it is there; "gone" where the run has none any more. */
function useWhole(node: string, key: string): Whole | "gone" | null {
  const { doc } = useShared();
  const [whole, setWhole] = useState<{ key: string; whole: Whole | "gone" } | null>(null);
  useEffect(() => {
    if (!key) return;
    let gone = false;
    const [side, ...port] = key.split(" ");
    void askValue(doc, node, side as Side, port.join(" ")).then(
      (found) => gone || setWhole({ key, whole: found ?? "gone" }),
    );
    return () => void (gone = true);
  }, [doc, node, key]);
  return whole?.key === key ? whole.whole : null;
}

export function ValueView({ node, title, side, port }: Props) {
  const { doc } = useShared();
  const [told, setTold] = useState<Told | null>(null);
  const [shown, setShown] = useState(keyOf(side, port));
  const [other, setOther] = useState("");
  useEffect(() => void askValues(doc, node).then(setTold), [doc, node]);
  const whole = useWhole(node, shown);
  const second = useWhole(node, other);
  const options = told ? [...optionsOf(told, "out"), ...optionsOf(told, "in")] : [];
  return (
    <>
      <header>
        <h2>{title}</h2>
        <label>
          <span>Value</span>
          <select value={shown} onChange={(event) => setShown(event.target.value)}>
            {options.map(([key, words]) => (
              <option key={key} value={key}>
                {words}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span>Compare with</span>
          <select value={other} onChange={(event) => setOther(event.target.value)}>
            <option value="">nothing</option>
            {options
              .filter(([key]) => key !== shown)
              .map(([key, words]) => (
                <option key={key} value={key}>
                  {words}
                </option>
              ))}
          </select>
        </label>
      </header>
      <div className="pb-large-body">
        {whole === null || (other && second === null) ? (
          <div className="pb-wait" />
        ) : whole === "gone" || second === "gone" ? (
          <p className="pb-note-line">The last run has no such value any more.</p>
        ) : other && second ? (
          <Difference before={written(whole.value)} after={written(second.value)} />
        ) : (
          <Shown whole={whole} node={node} told={told} zip={zipOf(doc, node, shown)} />
        )}
      </div>
    </>
  );
}

const optionsOf = (told: Told, side: Side): [key: string, words: string][] =>
  Object.entries(told[side]).map(([port, { gist }]) => [
    keyOf(side, port),
    `${port} (${side === "out" ? "gave" : "took"}): ${gist.slice(0, 60)}`,
  ]);

/** A value as text, for a difference. */
export const written = (value: Json): string => (typeof value === "string" ? value : JSON.stringify(value, null, 2));

/** Where files are to be had as one archive. */
const zipOf = (doc: Doc, node: string, key: string): string => {
  const [side, ...port] = key.split(" ");
  return `${doc.at("files")}&${new URLSearchParams({ node, side, port: port.join(" ") })}`;
};

function Shown({ whole, node, told, zip }: { whole: Whole; node: string; told: Told | null; zip: string }) {
  const { value } = whole;
  switch (whole.shape) {
    case "text":
      return <Text whole={whole} node={node} told={told} />;
    case "documents":
      return <Documents documents={value as unknown as Stored[]} />;
    case "document":
      return <Documents documents={[value as unknown as Stored]} />;
    case "texts":
      return <Documents documents={(value as string[]).map((text) => ({ text }))} />;
    case "messages":
      return <Messages messages={value as never} parts={whole.parts as never} />;
    case "files":
      return <Files files={value as Record<string, string>} parts={whole.parts as never} zip={zip} />;
    case "table":
      return <Table table={value as unknown as { columns: string[]; rows: Json[][]; title?: string }} />;
    case "chart":
      return <Chart value={value as never} />;
    case "picture":
      return <Picture value={value as never} unfit={whole.unfit} />;
    default:
      return <JsonTree value={value} />;
  }
}
