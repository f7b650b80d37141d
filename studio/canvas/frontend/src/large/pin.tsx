// A value that a node is said to give, typed by hand: for one run, or until it is let go. A file of its own.

import { useEffect, useState } from "react";
import { useShared } from "../context";
import { type Pinnable, askPin, wish } from "../pins";

interface Props {
  node: string;
  title: string;
  done: () => void;
}

export function PinEditor({ node, title, done }: Props) {
  const { doc } = useShared();
  const [told, setTold] = useState<Pinnable | "none" | null>(null);
  const [typed, setTyped] = useState<Record<string, string>>({});
  const [refused, setRefused] = useState("");
  useEffect(() => {
    let gone = false;
    void askPin(doc, node).then((found) => {
      if (gone) return;
      setTold(found ?? "none");
      const texts = found?.ports.filter((port) => port.text !== undefined) ?? [];
      setTyped(Object.fromEntries(texts.map((port) => [port.name, port.text ?? ""])));
    });
    return () => void (gone = true);
  }, [doc, node]);
  const send = async (once: boolean) => {
    const message = await wish(doc, { node, values: typed, once });
    setRefused(message);
    if (!message) done();
  };
  const unpin = async () => {
    const message = await wish(doc, { unpin: [node] });
    setRefused(message);
    if (!message) done();
  };
  if (!told) return <div className="pb-wait" />;
  return (
    <>
      <header>
        <h2>{title}: a value instead of running it</h2>
      </header>
      <div className="pb-large-body pb-pin">
        {told === "none" ? (
          <p className="pb-note-line">This node gives nothing, or its settings are not right yet.</p>
        ) : (
          <>
            <p className="pb-note-line">
              Runs in the studio use it, whatever goes in; nodes that only this one needs are not run. It stays on this
              machine and out of the flow file: what runs elsewhere runs for real.
            </p>
            {told.ports.map(({ name, types, plain }) => (
              <label key={name} className="pb-pin-value">
                <span>
                  {name} <small>{plain ? "text" : `${types.join(" or ")}, as JSON`}</small>
                </span>
                <textarea
                  value={typed[name] ?? ""}
                  rows={told.ports.length > 1 ? 6 : 14}
                  spellCheck={plain}
                  className={plain ? "" : "code"}
                  placeholder={typed[name] === undefined ? "Not given: what hangs on it alone is skipped." : ""}
                  onChange={(event) => {
                    setTyped({ ...typed, [name]: event.target.value });
                    setRefused("");
                  }}
                />
              </label>
            ))}
            {refused && (
              <p className="pb-refused" role="alert">
                {refused}
              </p>
            )}
            <div className="pb-buttons">
              <button type="button" className="pb-button primary" onClick={() => void send(false)}>
                Pin it
              </button>
              <button type="button" className="pb-button" onClick={() => void send(true)}>
                For the next run only
              </button>
              {told.pinned && (
                <button type="button" className="pb-button" onClick={() => void unpin()}>
                  Let it run again
                </button>
              )}
            </div>
          </>
        )}
      </div>
    </>
  );
}
