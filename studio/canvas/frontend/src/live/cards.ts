// Flows as cards: a picture, what each is about, and buttons. All text is set with textContent, and a picture is
// only ever the source of an <img>, where no script runs and nothing more is fetched.

import { drawBar } from "./bar";
import { moreButton } from "./card_menu";
import { el } from "./elements";
import { takeFiles } from "./page_drop";
import { topicRow } from "./topics";
import { ago } from "../ago";
import { addressOf } from "../site";

/** See studio/views/gallery.py. Times are Unix time in seconds, 0 where they are not told. */
export interface Card {
  name: string;
  title: string;
  about: string;
  error: string;
  facts: string;
  changed: number;
  ran: number;
  group: string;
  marks: string[];
  note: string;
  buttons: string[];
  menu: string[];
  /** Its address below the app's root; "" where the flow cannot be drawn. */
  picture: string;
}

/** What stands above the cards. */
export interface Bar {
  sorts: string[];
  sort: string;
  choices: string[];
  chosen: string;
  recent: [name: string, title: string][];
  more: string;
}

export interface CardsData {
  label: string;
  cards: Card[];
  /** Whether their headings can be chosen among. */
  choose: boolean;
  bar: Bar | null;
  /** Whether files dropped anywhere on the page are theirs. */
  drop: boolean;
  nothing: string;
}

/** What the page hears: a press on a card, something of the bar, a file. */
export interface Heard {
  press: (button: string, card: string) => void;
  ask: (what: string, value: string) => void;
  drop: (file: string) => void;
}

export interface CardsRoot extends HTMLElement {
  pbHeard?: Heard;
  pbShown?: string;
  pbChosen?: string;
  pbLeave?: () => void;
}

// To draw a picture the browser builds a document of some hundred elements, so only those in sight are drawn, and those
// that are next when one scrolls. Their size is known before.
const pictures = new WeakMap<Element, string>();
const near = new IntersectionObserver(
  (seen) => {
    for (const { target, isIntersecting } of seen) {
      const picture = pictures.get(target);
      if (!isIntersecting || picture === undefined) continue;
      (target as HTMLImageElement).src = addressOf(picture);
      near.unobserve(target);
    }
  },
  { rootMargin: "400px" },
);

/** Returns what to do when the cards go away. */
export function drawCards(root: CardsRoot, data: CardsData, heard: Heard): (() => void) | void {
  root.pbHeard = heard;
  root.pbLeave?.();
  root.pbLeave = data.drop ? takeFiles(root) : undefined;
  const leave = () => root.pbLeave?.();
  // A rerun of the page brings the same cards again; what has the focus should keep it.
  const { drop: _, ...what } = data;
  const shown = JSON.stringify(what);
  if (root.pbShown === shown) return leave;
  root.pbShown = shown;
  root.className = "root gallery";
  root.setAttribute("role", "region");
  root.setAttribute("aria-label", data.label);
  const list = el("div", "groups");
  const nothing = el("p", "nothing");
  nothing.setAttribute("role", "status");
  const groups = [...new Set(data.cards.map((card) => card.group))];
  const narrow = (chosen: string) => {
    root.pbChosen = chosen;
    const named = groups.filter((group) => !chosen || group === chosen);
    list.replaceChildren(...named.flatMap((group) => groupElements(root, group, data.cards)));
  };
  nothing.textContent = data.cards.length ? "" : data.nothing;
  const kept = root.pbChosen && groups.includes(root.pbChosen) ? root.pbChosen : "";
  narrow(kept);
  const above: HTMLElement[] = [];
  if (data.choose && groups.length > 1) above.push(topicRow(groups, kept, narrow));
  if (data.bar) above.push(...drawBar(root, data.bar));
  const below = data.bar?.more ? [restButton(root, data.bar.more)] : [];
  root.replaceChildren(...above, nothing, list, ...below);
  return leave;
}

function groupElements(root: CardsRoot, group: string, cards: Card[]): HTMLElement[] {
  const grid = el("div", "cards");
  grid.append(...cards.filter((card) => card.group === group).map((card) => cardElement(root, card)));
  return group ? [el("h4", "group", group), grid] : [grid];
}

function restButton(root: CardsRoot, words: string): HTMLElement {
  const button = el("button", "rest", words);
  button.type = "button";
  button.onclick = () => root.pbHeard?.ask("more", "");
  return button;
}

function cardElement(root: CardsRoot, card: Card): HTMLElement {
  const made = el("article", card.error ? "card broken" : "card");
  made.setAttribute("aria-label", card.title);
  if (card.picture) {
    const picture = el("img");
    picture.alt = "";
    picture.decoding = "async";
    pictures.set(picture, card.picture);
    near.observe(picture);
    made.append(picture);
  }
  made.append(el("h5", "", card.title));
  if (card.error) made.append(el("p", "error", card.error));
  if (card.about) made.append(el("p", "about", card.about));
  if (card.note) made.append(el("p", "note", card.note));
  const facts = factsOf(card);
  if (facts) made.append(el("p", "facts", facts));
  if (card.marks.length) {
    const marks = el("p", "marks");
    marks.append(...card.marks.map((mark) => el("span", "", mark)));
    made.append(marks);
  }
  made.append(buttonsOf(root, card));
  return made;
}

function factsOf(card: Card): string {
  const facts = [card.facts];
  if (card.changed && !card.error) facts.push(`changed ${ago(card.changed)}`);
  if (card.ran) facts.push(`ran ${ago(card.ran)}`);
  return facts.filter(Boolean).join(" · ");
}

function buttonsOf(root: CardsRoot, card: Card): HTMLElement {
  const row = el("div", "buttons");
  card.buttons.forEach((name, index) => {
    const button = el("button", index ? "plain" : "", name);
    button.type = "button";
    button.setAttribute("aria-label", name);
    button.title = `${name}: ${card.title}`;
    button.onclick = () => {
      button.setAttribute("aria-busy", "true"); // until the page is drawn anew; a flow takes a moment to open
      setTimeout(() => button.removeAttribute("aria-busy"), 5000);
      root.pbHeard?.press(name, card.name);
    };
    row.append(button);
  });
  if (card.menu.length) row.append(moreButton(card.title, card.menu, (name) => root.pbHeard?.press(name, card.name)));
  return row;
}
