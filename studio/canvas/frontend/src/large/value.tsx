// A value of the last run in large, as what it is; and two of them as a difference. A file of its own.

import { useEffect, useState } from "react";
import { useShared } from "../context";
import type { Json } from "../model";
import { type Side, titleOf } from "../types";
import { Documents } from "./documents";
import { partOf } from "./part";
import { Shown, storedIn } from "./shown";
import { Text } from "./text";
import { type Told, type Whole, archiveAt, askValue, useTold } from "./values";

const Difference = partOf(() => import("./difference").then((part) => part.Difference));

interface Props {
  node: string;
  title: string;
  side: Side;
  port: string;
}
const keyOf = (side: string, port: string): string => `${side} ${port}`;
const placeOf = (key: string): [side: Side, port: string] => {
  const [side, ...port] = key.split(" ");
  return [side as Side, port.join(" ")];
};

/** A value, once it is there; "gone" where the run has none any more. */
function useWhole(node: string, key: string): Whole | "gone" | null {
  const { doc } = useShared();
  const [whole, setWhole] = useState<{ key: string; whole: Whole | "gone" } | null>(null);
  useEffect(() => {
    if (!key) return;
    let gone = false;
    void askValue(doc, node, ...placeOf(key)).then((found) => gone || setWhole({ key, whole: found ?? "gone" }));
    return () => void (gone = true);
  }, [doc, node, key]);
  return whole?.key === key ? whole.whole : null;
}

export function ValueView({ node, title, side, port }: Props) {
  const { doc } = useShared();
  const [shown, setShown] = useState(keyOf(side, port));
  const [beside, setBeside] = useState(node);
  const [other, setOther] = useState("");
  const told = useTold(doc, node, "");
  const theirs = useTold(doc, beside, "");
  const whole = useWhole(node, shown);
  const second = useWhole(beside, other);
  const others = optionsOf(theirs).filter(([key]) => beside !== node || key !== shown);
  return (
    <>
      <header>
        <h2>{title}</h2>
        <label>
          <span>Value</span>
          <select value={shown} onChange={(event) => setShown(event.target.value)}>
            {optionsOf(told).map(([key, words]) => (
              <option key={key} value={key}>
                {words}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span>Compare with</span>
          <select aria-label="Compare with" value={other} onChange={(event) => setOther(event.target.value)}>
            <option value="">nothing</option>
            {others.map(([key, words]) => (
              <option key={key} value={key}>
                {words}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span>of</span>
          <select
            aria-label="Of which node"
            value={beside}
            onChange={(event) => (setBeside(event.target.value), setOther(""))}
          >
            {doc.flow.nodes.map((one) => (
              <option key={one.id} value={one.id}>
                {one.id === node ? "this node" : titleOf(one)}
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
          <InLarge whole={whole} zip={archiveAt(doc, node, ...placeOf(shown))} />
        )}
      </div>
    </>
  );
}

const SIDES: Side[] = ["out", "in"];

const optionsOf = (told: Told | null): [key: string, words: string][] =>
  SIDES.flatMap((side) =>
    Object.entries(told?.[side] ?? {}).map(([port, { gist }]): [string, string] => [
      keyOf(side, port),
      `${port} (${side === "out" ? "gave" : "took"}): ${gist.slice(0, 60)}`,
    ]),
  );

/** A value as text, for a difference. */
export const written = (value: Json): string => (typeof value === "string" ? value : JSON.stringify(value, null, 2));

function InLarge({ whole, zip }: { whole: Whole; zip: string }) {
  const documents = storedIn(whole);
  if (documents) return <Documents documents={documents} />;
  return whole.shape === "text" ? <Text whole={whole} /> : <Shown whole={whole} zip={zip} />;
}
