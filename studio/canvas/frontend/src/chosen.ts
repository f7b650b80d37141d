// What the canvas says to the panel beside it (live/resting.ts) the moment other nodes are chosen, long before Python
// can say so. They are two scripts in two shadow roots, so the page itself carries the word.

const EVENT = "patchbay:chosen";

export function tellChosen(nodes: string[]): void {
  document.dispatchEvent(new CustomEvent(EVENT, { detail: nodes }));
}

export function onChosen(listener: (nodes: string[]) => void): void {
  document.addEventListener(EVENT, (event) => listener((event as CustomEvent<string[]>).detail));
}
