// Files that are let go anywhere on the page, and how Python takes one that may be a flow.

import { sizeInWords } from "./size";

/** Bytes that such a file may have; a flow or its picture is far smaller. */
const LIMIT = 5_000_000;

/** Whether files are over the page that no field or dialog of the page keeps for itself. */
const brings = (event: DragEvent): boolean =>
  !!event.dataTransfer?.types.includes("Files") &&
  !event
    .composedPath()
    .some(
      (part) => part instanceof Element && part.matches("[data-testid=stFileUploader], .pb-keeps-files, [role=dialog]"),
    );

/** Hear whether files are held over the page, and of those let go there, until the function that is returned is called. */
export function hearFiles(over: (now: boolean) => void, drop: (event: DragEvent) => void): () => void {
  const hover = (event: DragEvent) => {
    const ours = brings(event);
    if (ours) event.preventDefault();
    over(ours);
  };
  const leave = (event: DragEvent) => !event.relatedTarget && over(false);
  const letGo = (event: DragEvent) => {
    over(false);
    if (!brings(event)) return;
    event.preventDefault();
    drop(event);
  };
  const on = (name: "dragenter" | "dragover" | "dragleave" | "drop", does: (event: DragEvent) => void) => {
    window.addEventListener(name, does);
    return () => window.removeEventListener(name, does);
  };
  const offs = [on("dragenter", hover), on("dragover", hover), on("dragleave", leave), on("drop", letGo)];
  return () => offs.forEach((off) => off());
}

/** A file as Python takes it: its name, and its bytes as base64. Fails in words for the person. */
export async function sent(file: File): Promise<{ name: string; data: string }> {
  if (file.size > LIMIT) throw new Error(`${file.name} is larger than ${sizeInWords(LIMIT)}; that is no flow.`);
  const bytes = await file.arrayBuffer().catch(() => {
    throw new Error(`The browser could not read ${file.name}. Drop it again.`); // a folder, say
  });
  const view = new Uint8Array(bytes);
  let text = "";
  for (let at = 0; at < view.length; at += 0x8000) text += String.fromCharCode(...view.subarray(at, at + 0x8000));
  return { name: file.name, data: btoa(text) };
}
