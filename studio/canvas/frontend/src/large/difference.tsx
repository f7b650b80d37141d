// Two texts as one, with what was taken out and what was put in. A file of its own.

import { useMemo } from "react";
import { partsOf } from "./differing";

const TAGS = { same: "span", gone: "del", come: "ins" } as const;

export function Difference({ before, after }: { before: string; after: string }) {
  const parts = useMemo(() => partsOf(before, after), [before, after]);
  if (before === after) return <p className="pb-good">The two are the same.</p>;
  return (
    <pre className="pb-difference">
      {parts.map(({ is, value }, i) => {
        const Tag = TAGS[is];
        return <Tag key={i}>{value}</Tag>;
      })}
    </pre>
  );
}
