// A file that is let go anywhere on the page is for the flows.

import type { CardsRoot } from "./cards";
import { el } from "./elements";

/** Bytes that a dropped file may have; a flow or its picture is far smaller. */
export const LIMIT = 5 * 1024 * 1024;
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
  const brought = (event: DragEvent) =>
    !!event.dataTransfer?.types.includes("Files") &&
    !event
      .composedPath()
      .some((part) => part instanceof Element && part.matches("[data-testid=stFileUploader], [role=dialog]"));
  const hover = (event: DragEvent) => {
    if (!brought(event)) return say("");
    event.preventDefault();
    say(WORDS);
  };
  const leave = (event: DragEvent) => !event.relatedTarget && say("");
  const drop = (event: DragEvent) => {
    if (!brought(event)) return say("");
    event.preventDefault();
    const file = event.dataTransfer?.files[0];
    if (!file) return say("");
    say(`Opening ${file.name} …`, true);
    setTimeout(() => say(""), 8000);
    sent(file).then(
      (data) => root.pbHeard?.drop(data),
      (error: unknown) => {
        say(error instanceof Error ? error.message : String(error), true);
        setTimeout(() => say(""), 6000);
      },
    );
  };
  const on = <K extends "dragenter" | "dragover" | "dragleave" | "drop">(name: K, does: (event: DragEvent) => void) => {
    window.addEventListener(name, does);
    return () => window.removeEventListener(name, does);
  };
  const offs = [on("dragenter", hover), on("dragover", hover), on("dragleave", leave), on("drop", drop)];
  return () => {
    for (const off of offs) off();
    cover.remove();
  };
}

/** A file as Python takes it: its name, and its bytes as base64. */
export async function sent(file: File): Promise<string> {
  if (file.size > LIMIT) throw new Error(`${file.name} is larger than ${LIMIT / 1024 / 1024} MB; that is no flow.`);
  const bytes = await file.arrayBuffer().catch(() => {
    throw new Error(`The browser could not read ${file.name}. Drop it again.`); // a folder, say
  });
  const view = new Uint8Array(bytes);
  let text = "";
  for (let at = 0; at < view.length; at += 0x8000) text += String.fromCharCode(...view.subarray(at, at + 0x8000));
  return JSON.stringify({ name: file.name, data: btoa(text), at: Date.now() });
}
