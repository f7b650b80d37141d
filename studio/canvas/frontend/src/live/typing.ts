// Streamlit's text areas tell what was typed when they are left, or at Ctrl+Enter. In the panel a pause is enough:
// what is wrong with a template shows while it is written.

declare global {
  interface Window {
    __patchbayTyping?: WeakMap<EventTarget, ReturnType<typeof setTimeout>>;
  }
}

const PAUSE_MS = 600;
const FIELDS = ".st-key-side [data-testid=stTextArea] textarea";

export function tellWhatIsTyped(): void {
  if (window.__patchbayTyping) return;
  const pauses: NonNullable<Window["__patchbayTyping"]> = (window.__patchbayTyping = new WeakMap());
  document.addEventListener(
    "input",
    (event) => {
      const field = event.target;
      if (!(field instanceof Element) || (event as InputEvent).isComposing || !field.matches(FIELDS)) return;
      clearTimeout(pauses.get(field));
      const enter = new KeyboardEvent("keydown", { key: "Enter", ctrlKey: true, bubbles: true, cancelable: true });
      pauses.set(
        field,
        setTimeout(() => field.isConnected && field.dispatchEvent(enter), PAUSE_MS),
      );
    },
    true,
  );
}
