// The chat page of `patchbay serve`, alone or in a frame of another page (embed.js). Its key comes in the part of the
// address that is never sent, and stays in this tab.

import type { Around, FlowTold } from "./caller";
import { Chat } from "./chat";
import { kept } from "./kept";
import { button, made } from "./parts";

const flow = decodeURIComponent(location.pathname.split("/").pop() ?? "");

const keep: Around["keep"] = (name, value) => kept(name === "key" ? "patchbay-key" : `patchbay-${flow}-${name}`, value);

const given = new URLSearchParams(location.hash.slice(1)).get("key");
if (given) {
  keep("key", given);
  history.replaceState(null, "", location.pathname + location.search);
}

const around: Around = {
  flow,
  keep,
  ask: (path, init = {}) => {
    const key = keep("key");
    const headers = { ...(init.headers as Record<string, string>), ...(key && { Authorization: `Bearer ${key}` }) };
    return fetch(path, { ...init, headers });
  },
  key: (message) =>
    new Promise((done) => {
      const input = made("input", { type: "password", autocomplete: "off", label: "Key" });
      const form = made("form", { class: "asks" }, made("b", { text: "Which key do you have?" }));
      form.append(made("p", { class: "soft", text: message }), input, made("button", { class: "act", text: "Go on" }));
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        keep("key", input.value.trim());
        form.remove();
        done();
      });
      chat.root.querySelector(".talk")!.replaceChildren(form);
      input.focus();
    }),
};

const title = made("h1", { text: "Chat" });
const about = made("p");
const chat = new Chat(around, (told: FlowTold) => {
  document.title = title.textContent = told.title;
  about.textContent = about.title = told.description;
});
const fresh = button("New chat", () => {
  void chat.open("").then(() => chat.root.querySelector("textarea")?.focus());
});
document.getElementById("chat")!.append(made("header", { class: "top" }, title, about, fresh), chat.root);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !chat.root.contains(event.target as Node)) chat.escape();
});
void chat.begin();
