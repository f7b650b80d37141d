// The button on a card that opens what else can be done with it.

import { el } from "./elements";

const STEPS: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };

export function moreButton(title: string, lines: string[], choose: (line: string) => void): HTMLElement {
  const around = el("div", "more-menu");
  const button = el("button", "plain", "More");
  button.type = "button";
  button.title = `More: ${title}`;
  button.setAttribute("aria-label", "More");
  button.setAttribute("aria-haspopup", "menu");
  button.setAttribute("aria-expanded", "false");
  around.append(button);
  let menu: HTMLElement | null = null;

  const outside = (event: Event) => !event.composedPath().includes(around) && close(false);
  function close(back: boolean): void {
    menu?.remove();
    menu = null;
    button.setAttribute("aria-expanded", "false");
    around.closest(".card")?.classList.remove("open");
    window.removeEventListener("pointerdown", outside, true);
    if (back) button.focus();
  }
  function open(): void {
    menu = el("div", "menu");
    menu.setAttribute("role", "menu");
    menu.setAttribute("aria-label", title);
    const items = lines.map((line) => {
      const item = el("button", "", line);
      item.type = "button";
      item.tabIndex = -1;
      item.setAttribute("role", "menuitem");
      item.onclick = () => {
        close(true);
        choose(line);
      };
      return item;
    });
    menu.append(...items);
    menu.onkeydown = (event) => {
      const at = items.indexOf(event.target as HTMLButtonElement);
      const step = STEPS[event.key];
      if (step) items[(at + step + items.length) % items.length].focus();
      else if (event.key === "Home") items[0].focus();
      else if (event.key === "End") items[items.length - 1].focus();
      else if (event.key === "Escape") close(true);
      else if (event.key === "Tab") return close(false);
      else return;
      event.preventDefault();
      event.stopPropagation();
    };
    around.append(menu);
    around.closest(".card")?.classList.add("open");
    button.setAttribute("aria-expanded", "true");
    if (menu.getBoundingClientRect().bottom > window.innerHeight) menu.classList.add("up");
    window.addEventListener("pointerdown", outside, true);
    items[0].focus({ preventScroll: true });
  }
  button.onclick = () => (menu ? close(true) : open());
  button.onkeydown = (event) => {
    if (event.key !== "ArrowDown" || menu) return;
    event.preventDefault();
    open();
  };
  return around;
}
