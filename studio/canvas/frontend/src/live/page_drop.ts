// A file that is let go anywhere on the page is for the flows.

import { hearFiles, sent } from "../dropping";
import type { CardsRoot } from "./cards";
import { el } from "./elements";

const WORDS = "Let go to open: a flow of ours, or one of Flowise, Langflow, CrewAI, Haystack, Dify or n8n";

/** Take files until the function that is returned is called. */
export function takeFiles(root: CardsRoot): () => void {
  const cover = el("div", "drop-cover");
  const say = (words: string, busy = false) => {
    cover.textContent = words;
    cover.classList.toggle("said", busy);
    if (words) root.append(cover);
    else cover.remove();
  };
  const drop = (event: DragEvent) => {
    const file = event.dataTransfer?.files[0];
    if (!file) return;
    say(`Opening ${file.name} …`, true);
    setTimeout(() => say(""), 8000);
    sent(file).then(
      (what) => root.pbHeard?.drop(JSON.stringify({ ...what, at: Date.now() })),
      (error: unknown) => {
        say(error instanceof Error ? error.message : String(error), true);
        setTimeout(() => say(""), 6000);
      },
    );
  };
  const off = hearFiles((over) => say(over ? WORDS : ""), drop);
  return () => {
    off();
    cover.remove();
  };
}
