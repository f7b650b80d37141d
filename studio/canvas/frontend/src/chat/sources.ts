// What an answer rests on, as cards: where each comes from and its text, with the place that a [1] speaks of marked.

import { fileName, scoreWords } from "../found";
import { citedIn, citing } from "../large/cited";
import { linkCitations } from "../large/citations";
import type { Source } from "./caller";
import { made } from "./parts";

const FOLDED = 260;
/** Characters of a source that are drawn. */
const LONGEST = 40_000;

export class Sources {
  readonly root = made("ol", { class: "sources", label: "Sources" });

  constructor(private readonly sources: Source[]) {
    this.root.append(...sources.map(card));
  }

  /** Have every [1] of a drawn answer lead to its source. */
  link(answer: HTMLElement, text: string): void {
    linkCitations(answer, text, (number, at) => this.cite(number, citing(text, at)), this.sources.length);
  }

  private cite(number: number, sentence: string): void {
    const source = this.sources[number - 1];
    const element = this.root.children[number - 1] as HTMLElement | undefined;
    if (!source || !element) return;
    for (const other of this.root.querySelectorAll(".cited")) other.classList.remove("cited");
    element.classList.add("cited");
    const text = (source.text ?? "").slice(0, LONGEST);
    const [from, to] = citedIn(text, sentence) ?? [0, 0];
    const place = element.querySelector<HTMLElement>(".said")!;
    place.replaceChildren(text.slice(0, from), ...(to > from ? [made("mark", { text: text.slice(from, to) })] : []));
    place.append(text.slice(to));
    element.querySelector("details")!.open = true;
    (place.querySelector("mark") ?? element).scrollIntoView({ block: "nearest" });
    element.focus({ preventScroll: true });
  }
}

function card(source: Source, index: number): HTMLElement {
  const { text = "", score, metadata = {} } = source;
  const from = String(metadata.title ?? metadata.source ?? "Source");
  const name = metadata.title ? from : fileName(from); // AC/DC is a title, and no path
  const head = made("header", {}, made("span", { class: "number", text: String(index + 1) }));
  head.append(made("b", { text: name, title: from }));
  if (metadata.page !== undefined) head.append(made("span", { text: `page ${String(metadata.page)}` }));
  if (typeof score === "number") head.append(made("span", { text: scoreWords(score) }));
  const short = text.length <= FOLDED;
  const fold = made("details", { class: "fold", open: short });
  fold.append(made("summary", { text: short ? "Text" : `${text.slice(0, FOLDED).trimEnd()}…` }));
  fold.append(made("div", { class: "said", text: text.slice(0, LONGEST) }));
  return made("li", { class: short ? "source short" : "source", tabIndex: -1 }, head, fold);
}
