// What a person changes in a text: the lines that go, and those that come.

import { diffLines } from "diff";

export function Changes({ before, after }: { before: string; after: string }) {
  if (before === after) return null;
  const lines = diffLines(before, after)
    .filter((part) => part.added || part.removed)
    .flatMap(({ added, value }) =>
      value
        .replace(/\n$/, "")
        .split("\n")
        .map((line) => [added ? "more" : "less", `${added ? "+" : "-"}${line}`]),
    );
  return (
    <div className="pb-changes" role="group" aria-label="What you change">
      {lines.map(([kind, line], i) => (
        <div key={i} className={kind}>
          {line}
        </div>
      ))}
    </div>
  );
}
