// The numbers of sources in a text that is drawn, as buttons.

/** Every `[1]` becomes a button. The n-th one in the text is the n-th one in what is drawn. */
export function linkCitations(
  root: HTMLElement,
  text: string,
  cite: (number: number, at: number) => void,
  most = Infinity,
): void {
  const places = [...text.matchAll(/\[(\d{1,3})\]/g)].map((found) => found.index);
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const nodes: globalThis.Text[] = [];
  while (walker.nextNode()) nodes.push(walker.currentNode as globalThis.Text);
  for (const node of nodes) {
    const pieces = (node.textContent ?? "").split(/(\[\d{1,3}\])/);
    if (pieces.length === 1) continue;
    node.replaceWith(
      ...pieces.map((piece) => {
        const number = /^\[(\d{1,3})\]$/.exec(piece);
        if (!number) return document.createTextNode(piece);
        const at = places.shift() ?? 0;
        if (Number(number[1]) < 1 || Number(number[1]) > most) return document.createTextNode(piece);
        return citeButton(number[1], () => cite(Number(number[1]), at));
      }),
    );
  }
}

function citeButton(number: string, cite: () => void): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "pb-cite";
  button.textContent = number;
  button.title = `Show source ${number}`;
  button.setAttribute("aria-label", `Source ${number}`);
  button.addEventListener("click", cite);
  return button;
}
