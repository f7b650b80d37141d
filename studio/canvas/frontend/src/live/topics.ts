// A row of topics, of which one can be chosen, and let go of again.

import { el } from "./elements";

const STEPS: Record<string, number> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/** `choose` gets the topic that was chosen, or "" when it was let go of. */
export function topicRow(
  topics: string[],
  chosen: string,
  choose: (topic: string) => void,
  label = "Topic",
): HTMLElement {
  const row = el("div", "topics");
  row.setAttribute("role", "radiogroup");
  row.setAttribute("aria-label", label);
  const buttons = topics.map((topic) => el("button", "", topic));
  const show = (now: string) => {
    buttons.forEach((button, index) => {
      const checked = topics[index] === now;
      button.setAttribute("aria-checked", String(checked));
      button.tabIndex = checked || (!now && index === 0) ? 0 : -1; // one stop of the Tab key for all
    });
  };
  buttons.forEach((button, index) => {
    button.type = "button";
    button.setAttribute("role", "radio");
    button.onclick = () => {
      const now = button.getAttribute("aria-checked") === "true" ? "" : topics[index];
      show(now);
      choose(now);
    };
    button.onkeydown = (event) => {
      const step = STEPS[event.key];
      if (!step) return;
      event.preventDefault();
      buttons[(index + step + buttons.length) % buttons.length].focus();
    };
  });
  show(chosen);
  row.append(...buttons);
  return row;
}
