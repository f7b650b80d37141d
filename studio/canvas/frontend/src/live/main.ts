// What a page hears of its flow while nothing is rerun: saved or not, and a run as it happens.

import { never } from "../never";
import { Progress, Step } from "../progress";
import { CardsData, drawCards } from "./cards";
import { Channel, channelAt } from "./channel";
import { isWaiting, shownRevision } from "../shown";
import { Found, el, foundElement, growTrace } from "./elements";
import { addressOf } from "../site";
import css from "./live.css?inline";
import wordsCss from "./words.css?inline";
import { Part, wordsElement } from "./words";

interface PulseData {
  rev: number;
  saved: boolean;
  conflict: boolean;
  /** The run that the page shows and its status, `id:status`; "" where there is none. */
  run: string;
  /** Milliseconds before the page is told that it is out of date. */
  wait: number;
}
type Data =
  | { mode: "trace"; trace: Step[] }
  | { mode: "found"; found: Found[] }
  | { mode: "words"; words: Part[] }
  | { mode: "difference"; before: string; after: string }
  | ({ mode: "cards" } & CardsData)
  | ({ mode: "pulse"; url: string; doc: string } & PulseData);

interface Component {
  data: [Data];
  parentElement: ShadowRoot | HTMLElement;
  setTriggerValue: (name: string, value: unknown) => void;
}

export function mount(component: Component): (() => void) | void {
  const { parentElement } = component;
  const [data] = component.data;
  const root = parentElement.querySelector<HTMLElement>(".root");
  if (!root) return;
  if (!parentElement.querySelector("style.live")) parentElement.append(el("style", "live", css + wordsCss));
  switch (data.mode) {
    case "trace": {
      const made = el("div", "trace");
      growTrace(made, data.trace, []);
      return root.replaceChildren(made);
    }
    case "found":
      return root.replaceChildren(...data.found.map(foundElement));
    case "words":
      return root.replaceChildren(wordsElement(data.words));
    case "difference": {
      void showDifference(root, data.before, data.after);
      return;
    }
    case "cards": {
      return drawCards(root, data, {
        press: (button, card) => component.setTriggerValue("pressed", { button, card }),
        ask: (what, value) => component.setTriggerValue("asked", { what, value }),
        drop: (file) => component.setTriggerValue("dropped", file),
      });
    }
    case "pulse":
      return pulse(root, channelOf(data.url), data, component);
    default:
      return never(data);
  }
}

const TAGS = { same: "span", gone: "del", come: "ins" } as const;

/** Two texts as one. What compares them is fetched when it is first needed. */
async function showDifference(root: HTMLElement, before: string, after: string): Promise<void> {
  const turn = (root.dataset.turn = String(Number(root.dataset.turn ?? 0) + 1));
  const { partsOf } = await import("../large/differing");
  if (root.dataset.turn !== turn) return; // others are to be shown by now
  const made = el("pre", "difference");
  made.append(...partsOf(before, after).map(({ is, value }) => el(TAGS[is], "", value)));
  root.replaceChildren(made);
}

function channelOf(url: string): Channel {
  return channelAt(addressOf(url).replace(/^http/, "ws"));
}

/** Draw once a frame at most when something is heard. */
function follow(channel: Channel, draw: () => void, onNews: () => void): () => void {
  let frame = 0;
  const soon = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      draw();
    });
  };
  const leave = channel.listen(() => {
    soon();
    onNews();
  });
  draw();
  onNews();
  return () => {
    cancelAnimationFrame(frame);
    leave();
  };
}

/** How often word of news is held back while an edit is under way. */
const HELD = 10;

/** Whether the flow is saved; and word to Python when the page shows what is no longer so. */
function pulse(
  root: HTMLElement,
  channel: Channel,
  data: PulseData & { doc: string },
  component: Component,
): () => void {
  const { progress } = channel;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let held = 0;
  const tellLater = () => {
    if (timer !== undefined || !isStale(progress, data)) return;
    timer = setTimeout(() => {
      timer = undefined;
      // An edit is under way, whose answer may be the news: a large flow takes its time to be checked.
      if (isWaiting(data.doc) && held++ < HELD) return tellLater();
      held = 0;
      if (isStale(progress, data)) component.setTriggerValue("stale", Date.now());
    }, data.wait);
  };
  const leave = follow(channel, () => drawPulse(root, progress, data), tellLater);
  return () => {
    clearTimeout(timer);
    leave();
  };
}

function isStale({ file, run }: Progress, data: PulseData & { doc: string }): boolean {
  if (!file) return false;
  // What the canvas on this page shows already is no news.
  const seen = Math.max(data.rev, shownRevision(data.doc));
  return file.revision > seen || (run ? `${run.id}:${run.status}` : "") !== data.run || file.conflict !== data.conflict;
}

function drawPulse(root: HTMLElement, { file }: Progress, data: PulseData): void {
  const { saved, conflict } = file ?? data;
  const [name, words] = conflict ? ["warn", "Changed on disk"] : saved ? ["saved", "Saved"] : ["busy", "Saving…"];
  root.className = `root pulse ${name}`;
  root.setAttribute("role", "status");
  if (root.textContent !== words) root.textContent = words;
}
