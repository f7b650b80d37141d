// Flows as cards: a picture, what each is about, and buttons. All text is set with textContent, and a picture is
// only ever the source of an <img>, where no script runs and nothing is fetched.

import { el } from "./elements";
import { topicRow } from "./topics";

/** See studio/views/gallery.py. */
export interface Card {
  name: string;
  title: string;
  about: string;
  facts: string;
  topics: string[];
  /** As SVG; "" where the flow cannot be drawn. */
  picture: string;
}

/** What the element shows: cards, the names of their buttons, and topics to choose among them by. */
export interface CardsData {
  cards: Card[];
  buttons: string[];
  topics: string[];
}

type Press = (button: string, card: string) => void;
interface CardsRoot extends HTMLElement {
  pbPress?: Press;
  pbShown?: string;
  pbTopic?: string;
}

// To draw a picture the browser builds a document of some hundred elements, so only those in sight are drawn, and those
// that are next when one scrolls. Their size is known before.
const pictures = new WeakMap<Element, string>();
const near = new IntersectionObserver(
  (seen) => {
    for (const { target, isIntersecting } of seen) {
      const picture = pictures.get(target);
      if (!isIntersecting || picture === undefined) continue;
      (target as HTMLImageElement).src = `data:image/svg+xml,${encodeURIComponent(picture)}`;
      near.unobserve(target);
    }
  },
  { rootMargin: "400px" },
);

export function drawCards(root: CardsRoot, { cards, buttons, topics }: CardsData, press: Press): void {
  root.pbPress = press;
  // A rerun of the page brings the same cards again; what has the focus should keep it.
  const shown = JSON.stringify([cards, buttons, topics]);
  if (root.pbShown === shown) return;
  root.pbShown = shown;
  root.className = "root";
  const grid = el("div", "cards");
  const nothing = el("p", "nothing");
  nothing.setAttribute("role", "status");
  const narrow = (topic: string) => {
    root.pbTopic = topic;
    const found = cards.filter((card) => !topic || card.topics.includes(topic));
    grid.replaceChildren(...found.map((card) => cardElement(root, card, buttons)));
    nothing.textContent = found.length ? "" : `No template about ${topic} matches the search.`;
  };
  const kept = root.pbTopic && topics.includes(root.pbTopic) ? root.pbTopic : "";
  narrow(kept);
  const row = topics.length ? [topicRow(topics, kept, narrow)] : [];
  root.replaceChildren(...row, nothing, grid);
}

function cardElement(root: CardsRoot, card: Card, buttons: string[]): HTMLElement {
  const made = el("article", "card");
  if (card.picture) {
    const picture = el("img");
    picture.alt = "";
    picture.decoding = "async";
    pictures.set(picture, card.picture);
    near.observe(picture);
    made.append(picture);
  }
  const row = el("div", "buttons");
  buttons.forEach((name, index) => {
    const button = el("button", index ? "plain" : "", name);
    button.type = "button";
    button.setAttribute("aria-label", name);
    button.title = `${name}: ${card.title}`;
    button.onclick = () => root.pbPress?.(name, card.name);
    row.append(button);
  });
  made.append(el("h4", "", card.title), el("p", "", card.about), el("p", "facts", card.facts), row);
  return made;
}
