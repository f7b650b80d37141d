// The last value of a port, while the pointer rests on it.

import { useStore } from "@xyflow/react";
import { useEffect, useState } from "react";
import { useShared } from "./context";
import { type Sketch, askValues } from "./large/values";
import type { Side } from "./types";

const REST_MS = 350;
const LONG = 220;

export function Peek({ node, port, side, many }: { node: string; port: string; side: Side; many: string }) {
  const { doc } = useShared();
  const [found, setFound] = useState<Sketch | null>(null);
  const zoom = useStore(({ transform: [, , scale] }) => scale);
  useEffect(() => {
    let gone = false;
    const timer = setTimeout(() => {
      void askValues(doc, node).then((told) => gone || setFound(told?.[side][port] ?? null));
    }, REST_MS);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [doc, node, port, side, many]);
  if (!found) return null;
  // Its letters can be read from afar too.
  return (
    <span className="pb-peek" role="tooltip" style={{ scale: Math.max(1, 1 / zoom) }}>
      {found.gist.slice(0, LONG)}
      <small>Click its name to see all of it</small>
    </span>
  );
}
