// What the page has to say about the flow: above the canvas, until it is closed or something else is said.

import { useEffect, useState } from "react";
import { Icon } from "../icons";
import type { Doc } from "../store";

const closed = new Map<string, number>();

export function Notice({ doc, notice: [words, times] }: { doc: Doc; notice: [string, number] }) {
  const [shut, setShut] = useState(closed.get(doc.id) ?? 0);
  useEffect(() => setShut(closed.get(doc.id) ?? 0), [doc]);
  if (!words || times <= shut) return null;
  const close = () => {
    closed.set(doc.id, times);
    setShut(times);
  };
  return (
    <div className="pb-notice" role="status">
      <span>{words}</span>
      <button type="button" className="pb-tool" aria-label="Close" onClick={close}>
        <Icon name="close" size={13} />
      </button>
    </div>
  );
}
