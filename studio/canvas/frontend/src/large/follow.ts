// The editor follows the flow: what another tab, a fix or an undo wrote stands in it, and is not written back.

import { Annotation, type EditorState, Transaction, type TransactionSpec } from "@codemirror/state";

/** Marks what came from the flow: it is not written there again. */
export const fromFlow = Annotation.define<boolean>();

/** The edit that makes the editor's text the flow's; null where it is already. Only what differs is replaced, so
 * that the selection stays where its text is; undoing here takes back what was typed here. */
export function following(state: EditorState, kept: string): TransactionSpec | null {
  const wanted = state.toText(kept);
  if (wanted.eq(state.doc)) return null;
  const [old, fresh] = [state.doc.toString(), wanted.toString()];
  const least = Math.min(old.length, fresh.length);
  let from = 0;
  while (from < least && old[from] === fresh[from]) from++;
  let end = 0;
  while (end < least - from && old[old.length - 1 - end] === fresh[fresh.length - 1 - end]) end++;
  return {
    changes: { from, to: old.length - end, insert: state.toText(fresh.slice(from, fresh.length - end)) },
    annotations: [fromFlow.of(true), Transaction.addToHistory.of(false), Transaction.remote.of(true)],
  };
}

/** What is to be written into the flow; null where nobody typed. */
export const typedIn = (transactions: readonly Transaction[]): string | null => {
  const typed = transactions.some((one) => one.docChanged && !one.annotation(fromFlow));
  return typed ? transactions[transactions.length - 1].newDoc.toString() : null;
};
