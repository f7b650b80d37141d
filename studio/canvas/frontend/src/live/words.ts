// Markdown as nodes/text/markdown.py parsed it. Only what is named here is made, and none of it loads anything. All
// text is set with textContent.

import { el } from "./elements";

export interface Part {
  is: string;
  in?: Part[];
  text?: string;
  level?: number;
  start?: number;
  language?: string;
  align?: string;
  head?: boolean;
  to?: string;
}

const PLAIN: Record<string, keyof HTMLElementTagNameMap> = {
  paragraph: "p",
  quote: "blockquote",
  item: "li",
  table: "table",
  row: "tr",
  rule: "hr",
  break: "br",
  strong: "strong",
  emphasis: "em",
  deleted: "del",
};
const HEADINGS = ["h1", "h2", "h3", "h4", "h5", "h6"] as const;
const ALIGNED = ["left", "right", "center"];
const LEADS_OUT = /^(https?|mailto):/i;
const COPIED_MS = 1500;

export function wordsElement(parts: Part[]): HTMLElement {
  return filled(el("div", "words"), parts);
}

function filled<T extends HTMLElement>(made: T, parts: Part[] = []): T {
  made.append(...parts.map(partElement));
  return made;
}

function partElement(part: Part): Node {
  const tag = PLAIN[part.is];
  if (tag) return filled(el(tag), part.in);
  switch (part.is) {
    case "heading":
      return filled(el(HEADINGS[(part.level ?? 1) - 1] ?? "h6"), part.in);
    case "list":
      return listElement(part);
    case "code":
      return part.language === undefined ? el("code", "", part.text) : codeBlock(part.text ?? "");
    case "cell":
      return cellElement(part);
    case "link":
      return linkElement(part);
    default:
      return part.in ? filled(el("span"), part.in) : document.createTextNode(part.text ?? "");
  }
}

function listElement(part: Part): HTMLElement {
  if (part.start === undefined) return filled(el("ul"), part.in);
  const list = filled(el("ol"), part.in);
  list.start = part.start;
  return list;
}

function cellElement(part: Part): HTMLElement {
  const cell = filled(el(part.head ? "th" : "td"), part.in);
  if (part.align && ALIGNED.includes(part.align)) cell.style.textAlign = part.align;
  return cell;
}

function linkElement(part: Part): HTMLElement {
  if (!part.to || !LEADS_OUT.test(part.to)) return filled(el("span"), part.in);
  const link = filled(el("a"), part.in);
  link.href = part.to;
  link.target = "_blank";
  link.rel = "noopener noreferrer nofollow";
  link.title = part.to;
  return link;
}

function codeBlock(text: string): HTMLElement {
  const made = el("div", "code");
  const copy = el("button", "copy", "Copy");
  copy.type = "button";
  copy.addEventListener("click", () => {
    void navigator.clipboard?.writeText(text).then(() => {
      copy.textContent = "Copied";
      setTimeout(() => (copy.textContent = "Copy"), COPIED_MS);
    });
  });
  made.append(el("pre", "", text.replace(/\n$/, "")), copy);
  return made;
}
