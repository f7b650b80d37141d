"use strict";
(() => {
  const script = document.currentScript;
  if (!script) return console.error("embed.js is no module: write <script src=…> without type");
  const home = new URL(script.src).origin;
  const { flow, key = "", title = "Chat" } = script.dataset;
  if (!flow) return console.error("embed.js needs data-flow");
  const frame = document.createElement("iframe");
  frame.title = title;
  frame.src = `${home}/chat/${encodeURIComponent(flow)}${key ? `#key=${encodeURIComponent(key)}` : ""}`;
  frame.hidden = true;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = title;
  button.setAttribute("aria-expanded", "false");
  const place = (element, styles) => Object.assign(element.style, { position: "fixed", zIndex: "2147483000", right: "1rem", ...styles });
  place(button, { bottom: "1rem", font: "16px system-ui, sans-serif", padding: ".6rem 1.1rem", borderRadius: "999px", border: "0", background: "#1a5fd0", color: "#fff", cursor: "pointer" });
  place(frame, { bottom: "4.5rem", width: "min(26rem, calc(100vw - 2rem))", height: "min(38rem, calc(100vh - 6rem))", border: "1px solid #8886", borderRadius: "12px", background: "Canvas", colorScheme: "light dark" });
  const show = (open) => {
    frame.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    if (!open) button.focus();
  };
  button.addEventListener("click", () => show(frame.hidden));
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && !frame.hidden) show(false); });
  const add = () => document.body.append(frame, button);
  if (document.body) add(); // in the head of a page there is none yet
  else document.addEventListener("DOMContentLoaded", add);
})();
