// Files that come from outside and go there: a flow dropped on the page, an export of the open one.

import { useEffect, useState } from "react";
import { type Brought, filesOf } from "./documents/dropped";
import { hearFiles, sent } from "./dropping";
import type { Doc } from "./store";

/** What lies over the canvas. */
const PANELS = ".pb-dock, .pb-palette";

export const EXPORTS: [form: string, label: string][] = [
  ["json", "Export as JSON"],
  ["png", "Export as PNG"],
  ["svg", "Export as SVG"],
];

/** Where files were let go: a point of the page, none where a panel lies over the canvas there. */
export type Spot = { x: number; y: number } | null;

/**
 * Whether files are held over the page. A flow that is dropped on it opens; anything else is documents, for `take`.
 * Fields for files keep what is theirs.
 */
export function useDroppedFiles(doc: Doc, take: (files: Brought[], spot: Spot) => void): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    if (doc.readonly) return;
    const drop = (event: DragEvent) => {
      if (!event.dataTransfer) return;
      const over = event.composedPath().some((part) => part instanceof Element && part.matches(PANELS));
      const spot = over ? null : { x: event.clientX, y: event.clientY };
      void filesOf(event.dataTransfer).then(
        (files) => (files.length === 1 && isFlow(files[0].file) ? openFlow(doc, files[0].file) : take(files, spot)),
        () => doc.say("The browser could not read what was dropped. Drop it again."),
      );
    };
    return hearFiles(setOver, drop);
  }, [doc, doc.readonly, take]);
  return over;
}

/** Whether a file can only be a flow. A PNG may be one, or a picture: the studio looks. */
const isFlow = (file: File): boolean => /\.(json|svg|ya?ml)$/i.test(file.name);

/** Have a flow of ours opened, or another builder's imported. */
export async function openFlow(doc: Doc, file: File): Promise<void> {
  const what = await sent(file).catch((error: Error) => doc.say(error.message));
  if (!what) return;
  doc.command("import", JSON.stringify(what));
  doc.say(`Opening ${file.name} …`);
}

/** Let the browser save the flow as the server writes it out, after the edits made so far. */
export async function download(doc: Doc, form: string): Promise<void> {
  await doc.settled();
  const answer = await fetch(`${doc.at("export")}&as=${form}`).catch(() => null);
  if (!answer?.ok) return doc.say((await answer?.text()) || "The studio does not answer.");
  const name = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1] ?? `flow.${form}`;
  saveBlob(name, await answer.blob());
}

/** Let the browser save something as a file. */
export function saveBlob(name: string, blob: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
