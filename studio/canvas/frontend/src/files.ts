// Files that come from outside and go there: a flow dropped on the page, an export of the open one.

import { useEffect, useState } from "react";
import { type Brought, filesOf } from "./documents/dropped";
import type { Doc } from "./store";

/** Bytes that a dropped file may have; a flow or its picture is far smaller. */
const LIMIT = 5 * 1024 * 1024;

/** What lies over the canvas. */
const PANELS = ".pb-dock, .pb-palette, .st-key-side";

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
    const brought = (event: DragEvent) =>
      !!event.dataTransfer?.types.includes("Files") &&
      !event
        .composedPath()
        .some((part) => part instanceof Element && part.matches("[data-testid=stFileUploader], [role=dialog]"));
    const hover = (event: DragEvent) => {
      const ours = brought(event);
      if (ours) event.preventDefault();
      setOver(ours);
    };
    const leave = (event: DragEvent) => !event.relatedTarget && setOver(false);
    const drop = (event: DragEvent) => {
      setOver(false);
      if (!brought(event)) return;
      event.preventDefault();
      if (!event.dataTransfer) return;
      const over = event.composedPath().some((part) => part instanceof Element && part.matches(PANELS));
      const spot = over ? null : { x: event.clientX, y: event.clientY };
      void filesOf(event.dataTransfer).then(
        (files) => (files.length === 1 && isFlow(files[0].file) ? openFlow(doc, files[0].file) : take(files, spot)),
        () => doc.say("The browser could not read what was dropped. Drop it again."),
      );
    };
    window.addEventListener("dragenter", hover);
    window.addEventListener("dragover", hover);
    window.addEventListener("dragleave", leave);
    window.addEventListener("drop", drop);
    return () => {
      window.removeEventListener("dragenter", hover);
      window.removeEventListener("dragover", hover);
      window.removeEventListener("dragleave", leave);
      window.removeEventListener("drop", drop);
    };
  }, [doc, doc.readonly, take]);
  return over;
}

/** Whether a file can only be a flow. A PNG may be one, or a picture: the studio looks. */
const isFlow = (file: File): boolean => /\.(json|svg|ya?ml)$/i.test(file.name);

/** Have a flow of ours opened, or another builder's imported. */
export async function openFlow(doc: Doc, file: File): Promise<void> {
  if (file.size > LIMIT) return doc.say(`${file.name} is larger than ${LIMIT / 1024 / 1024} MB; that is no flow.`);
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  doc.command("import", JSON.stringify({ name: file.name, data: btoa(text) }));
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
