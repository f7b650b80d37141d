// What a person changes in a text: the lines that go, and those that come.

import { diffLines } from "diff";
import { made } from "./parts";

export function differenceElement(): { root: HTMLElement; show: (before: string, after: string) => void } {
  const root = made("div", { class: "diff", hidden: true, label: "What you change" });
  root.setAttribute("role", "group");
  const show = (before: string, after: string) => {
    root.hidden = before === after;
    const parts = root.hidden ? [] : diffLines(before, after).filter((part) => part.added || part.removed);
    const lines = parts.flatMap(({ added, value }) =>
      value
        .replace(/\n$/, "")
        .split("\n")
        .map((line) => made("div", { class: added ? "more" : "less", text: `${added ? "+" : "-"}${line}` })),
    );
    root.replaceChildren(...lines);
  };
  return { root, show };
}
