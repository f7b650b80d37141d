// Panels that the page draws lie outside of the canvas's shadow root. They are laid over the body of the dock: the page
// reads where from variables and an attribute of its root element (studio/assets/studio.css).

const SIDES = ["left", "top", "width", "height"] as const;

/** Keep the page's panel over an element. Returns what takes it away again. */
export function layOver(body: HTMLElement, tab: string): () => void {
  const root = document.documentElement;
  const place = () => {
    const box = body.getBoundingClientRect();
    for (const side of SIDES) root.style.setProperty(`--pb-side-${side}`, `${box[side]}px`);
  };
  root.dataset.pbTab = tab.toLowerCase();
  place();
  const watch = new ResizeObserver(place);
  watch.observe(body);
  window.addEventListener("resize", place);
  window.addEventListener("scroll", place, true);
  return () => {
    watch.disconnect();
    window.removeEventListener("resize", place);
    window.removeEventListener("scroll", place, true);
    delete root.dataset.pbTab;
  };
}
