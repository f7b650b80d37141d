// How high the canvas is: it fills the window below what stands over it.

const LEAST = "24rem";

const filling = new WeakSet<HTMLElement>();

/** Have an element fill the window, now and whenever the window or what stands over it changes. */
export function fillWindow(host: HTMLElement): void {
  if (filling.has(host)) return;
  filling.add(host);
  const main = document.querySelector("[data-testid=stMain]");
  const fill = () => {
    if (!host.isConnected) return stop();
    const top = Math.round(host.getBoundingClientRect().top + (main?.scrollTop ?? 0));
    host.style.height = `max(${LEAST}, calc(100dvh - ${top}px))`;
  };
  const around = new ResizeObserver(fill);
  const stop = () => {
    filling.delete(host);
    around.disconnect();
    window.removeEventListener("resize", fill);
  };
  window.addEventListener("resize", fill);
  const block = main?.querySelector("[data-testid=stMainBlockContainer]");
  if (block) around.observe(block);
  fill();
}
