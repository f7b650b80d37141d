"use strict";
const flow = decodeURIComponent(location.pathname.split("/").pop());
const hash = new URLSearchParams(location.hash.slice(1));
const store = (name, value) => {
  try {
    if (value !== undefined) sessionStorage.setItem(`patchbay-${name}`, value);
    return sessionStorage.getItem(`patchbay-${name}`) || "";
  } catch {
    return value || "";
  }
};
if (hash.get("key")) {
  store("key", hash.get("key"));
  history.replaceState(null, "", location.pathname + location.search);
}
let key = store("key");
const $ = (id) => document.getElementById(id);
const el = (tag, options = {}, ...inner) => {
  const { text, on, ...rest } = options;
  const made = Object.assign(document.createElement(tag), rest);
  if (text !== undefined) made.textContent = text;
  for (const [name, act] of Object.entries(on || {})) made.addEventListener(name, act);
  made.append(...inner);
  return made;
};
const headers = (more = {}) => (key ? { Authorization: `Bearer ${key}`, ...more } : more);
const json = { "Content-Type": "application/json" };
const wrong = (found) => {
  const error = found?.error || { message: "The server gave no answer." };
  return [error.node && `${error.node}:`, error.message, error.fix].filter(Boolean).join(" ");
};

/* Text as paragraphs, code and bold: only ever as nodes, never as HTML. */
function write(place, text) {
  place.replaceChildren();
  text.split(/```[^\n]*\n?/).forEach((part, number) => {
    if (number % 2) return place.append(el("pre", {}, el("code", { text: part })));
    for (const block of part.split(/\n{2,}/).filter((one) => one.trim())) {
      const p = el("p");
      block.trim().split(/(`[^`\n]+`|\*\*[^*\n]+\*\*)/).forEach((piece) => {
        if (/^`.+`$/.test(piece)) p.append(el("code", { text: piece.slice(1, -1) }));
        else if (/^\*\*.+\*\*$/.test(piece)) p.append(el("b", { text: piece.slice(2, -2) }));
        else p.append(piece);
      });
      place.append(p);
    }
  });
}

/* The events of a run; a line that breaks is taken up where it broke. */
async function* events(answer, run, last = "") {
  for (let tries = 0; ; tries++) {
    try {
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let held = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        held += value;
        const blocks = held.split("\n\n");
        held = blocks.pop();
        for (const block of blocks) {
          const lines = block.split("\n");
          const data = lines.filter((l) => l.startsWith("data: ")).map((l) => l.slice(6)).join("\n");
          last = lines.find((l) => l.startsWith("id: "))?.slice(4) || last;
          if (!data) continue;
          tries = 0;
          const event = JSON.parse(data);
          yield event;
          if (/^run_(finished|failed|cancelled|waiting)$/.test(event.type)) return;
        }
      }
    } catch (error) {
      if (tries > 5) throw error;
    }
    if (tries > 5) throw new Error("The connection broke.");
    await new Promise((go) => setTimeout(go, 300 * 2 ** tries));
    answer = await fetch(`/runs/${run}/events`, { headers: headers({ "Last-Event-ID": last }) });
    if (!answer.ok) throw new Error(wrong(await answer.json()));
  }
}

let told, running = "";
let thread = store("thread") || store("thread", `chat-${crypto.getRandomValues(new Uint32Array(3)).join("-")}`);
const down = () => { $("talk").scrollTop = $("talk").scrollHeight; };

function busy(run) {
  running = run;
  $("send").textContent = run ? "Stop" : "Send";
  $("send").classList.toggle("act", !run);
}

class Answer {
  constructor() {
    this.place = el("article");
    this.steps = el("ul");
    this.fold = el("details", { hidden: true }, el("summary", { text: "Steps" }), this.steps);
    this.text = el("div", { className: "text", text: "…" });
    this.more = el("div");
    this.place.append(this.fold, this.text, this.more);
    this.place.setAttribute("aria-busy", "true");
    $("talk").append(this.place);
    this.said = "";
    down();
  }
  step(text) {
    this.fold.hidden = false;
    this.steps.append(el("li", { text }));
    this.fold.firstChild.textContent = `Steps (${this.steps.children.length})`;
  }
  async follow(answer, run) {
    busy(run);
    try {
      for await (const event of events(answer, run)) this.take(event, run);
    } catch (error) {
      this.fail(error.message);
    } finally {
      busy("");
      this.place.setAttribute("aria-busy", "false");
      down();
    }
  }
  take(event, run) {
    if (event.type === "node_streamed" && event.output) write(this.text, (this.said += event.piece));
    else if (event.type === "node_retrying") this.said = "";
    else if (event.type === "node_stepped") this.step([event.who, event.what, event.tool, event.text].filter(Boolean).join(" · "));
    else if (event.type === "node_progress") this.text.dataset.progress = event.label;
    else if (event.type === "node_warned" || event.type === "run_warned") this.step(`warning · ${event.message}`);
    else if (event.type === "run_finished") this.finish(event.outputs, run);
    else if (event.type === "run_failed") this.fail(wrong({ error: event.problem }));
    else if (event.type === "run_cancelled") this.more.append(el("p", { className: "soft", text: "Stopped." }));
    else if (event.type === "run_waiting") this.ask(run);
    if (!this.said && event.type === "node_progress") this.text.textContent = `${event.label}…`;
    down();
  }
  fail(message) {
    if (!this.said) this.text.replaceChildren();
    this.more.append(el("p", { className: "bad", text: message }));
    this.more.lastChild.setAttribute("role", "alert");
  }
  finish(outputs, run) {
    const values = Object.entries(outputs), texts = [], cards = [];
    for (const [name, value] of values) {
      const list = Array.isArray(value) ? value : [value];
      if (list.length && list.every((one) => one?.$type === "document")) cards.push(...list);
      else if (value?.$type === "picture") this.more.append(el("img", { alt: value.alt || name, src: `data:${value.media};base64,${value.data}` }));
      else texts.push([name, typeof value === "string" ? value : "```\n" + JSON.stringify(value, null, 2) + "\n```"]);
    }
    write(this.text, texts.map(([name, text]) => (texts.length > 1 ? `**${name}**\n\n${text}` : text)).join("\n\n"));
    if (cards.length) {
      this.more.append(el("div", { className: "sources" }, ...cards.map((one) => {
        const meta = one.metadata || {};
        const where = [meta.title || meta.source || "Source", meta.page && `page ${meta.page}`].filter(Boolean).join(", ");
        return el("div", { className: "source" }, el("b", { text: where }), el("span", { text: one.text }));
      })));
    }
    this.thumbs(run);
  }
  thumbs(run) {
    const row = el("div", { className: "row" });
    const rate = async (button, rating) => {
      const comment = el("input", { placeholder: "Why? (Enter sends)", ariaLabel: "Comment" });
      const send = async () => {
        const body = JSON.stringify({ rating, comment: comment.value });
        const done = await fetch(`/runs/${run}/feedback`, { method: "POST", headers: headers(json), body });
        return done.ok;
      };
      if (!(await send())) return;
      for (const one of row.querySelectorAll("button")) one.ariaPressed = String(one === button);
      row.querySelector("input")?.remove();
      comment.addEventListener("keydown", async (pressed) => {
        if (pressed.key === "Enter" && (await send())) comment.replaceWith(el("span", { className: "soft", text: "Thank you." }));
      });
      row.append(comment);
      comment.focus();
    };
    for (const [sign, name, rating] of [["👍", "Good answer", 1], ["👎", "Bad answer", -1]]) {
      const button = el("button", { type: "button", text: sign, title: name, ariaLabel: name, ariaPressed: "false" });
      button.addEventListener("click", () => rate(button, rating));
      row.append(button);
    }
    this.more.append(row);
  }
  async ask(run) {
    const found = await (await fetch(`/runs/${run}`, { headers: headers() })).json();
    if (!this.said) this.text.replaceChildren();
    for (const one of found.questions || []) this.more.append(this.question(run, one));
    this.more.querySelector(".asks button, .asks input")?.focus();
    down();
  }
  question(run, one) {
    const place = el("section", { className: "asks" }, el("b", { text: one.title }));
    if (one.value !== null && one.wants.kind !== "edit") {
      const text = el("div", { className: "text" });
      write(text, typeof one.value === "string" ? one.value : JSON.stringify(one.value, null, 2));
      place.append(text);
    }
    const give = async (given) => {
      const said = JSON.stringify({ question: one.question, stream: true, ...given });
      const done = await fetch(`/runs/${run}/answer`, { method: "POST", headers: headers(json), body: said });
      if (!done.ok) return place.append(el("p", { className: "bad", text: wrong(await done.json()) }));
      place.replaceChildren(el("b", { text: one.title }), el("p", { className: "soft", text: "Answered." }));
      this.said = "";
      await this.follow(done, run);
    };
    const row = el("div", { className: "row" });
    const act = (text, given, first) => row.append(el("button", { type: "button", text, className: first ? "act" : "", on: { click: () => give(given()) } }));
    const kind = one.wants.kind;
    if (kind === "approval" || kind === "decision") {
      const why = el("input", { placeholder: "A comment, if you like", ariaLabel: "Comment" });
      act("Approve", () => ({ approve: true, comment: why.value }), true);
      act("Reject", () => ({ reject: why.value }));
      place.append(why);
    } else if (kind === "choice") {
      for (const option of one.wants.options) act(option, () => ({ choose: option }));
    } else {
      const form = kind === "form";
      const start = form ? Object.fromEntries(Object.entries(one.wants.schema.properties || {}).map(([n, p]) => [n, p.default ?? ""])) : one.value;
      const plain = !form && one.wants.of !== "json" && one.wants.of !== "table";
      const text = el("textarea", { rows: 5, value: plain ? start : JSON.stringify(start, null, 2), ariaLabel: one.title });
      const read = () => (plain ? text.value : JSON.parse(text.value));
      act("Send", () => (form ? { form: read() } : { value: read() }), true);
      place.append(text);
    }
    place.append(row);
    return place;
  }
}

async function say() {
  const text = $("text").value.trim();
  if (!text || !told?.talk) return;
  $("text").value = "";
  $("text").rows = 1;
  $("talk").append(el("div", { className: "mine", text }));
  const answer = new Answer();
  const body = new FormData();
  body.append(told.talk.input, text);
  for (const field of $("fields").querySelectorAll("[name]")) {
    if (field.type === "file") for (const file of field.files) body.append(field.name, file);
    else if (field.value) body.append(field.name, field.value);
  }
  const query = told.talk.kind === "messages" ? `?stream=true&thread=${encodeURIComponent(thread)}` : "?stream=true";
  try {
    const made = await fetch(`/flows/${encodeURIComponent(flow)}/run${query}`, { method: "POST", headers: headers(), body });
    if (!made.ok) return answer.fail(wrong(await made.json()));
    await answer.follow(made, made.headers.get("x-run-id"));
  } catch (error) {
    answer.fail(error.message);
  } finally {
    answer.place.setAttribute("aria-busy", "false");
  }
}

function field(one) {
  const common = { name: one.name, required: one.required };
  let made;
  if (one.kind === "choice") made = el("select", common, ...one.choices.map((text) => el("option", { text, selected: text === one.default })));
  else if (one.kind === "file" || one.kind === "documents") made = el("input", { ...common, type: "file", multiple: one.kind === "documents" });
  else made = el("input", { ...common, type: one.kind === "number" ? "number" : "text", step: "any", value: one.default ?? "" });
  return el("label", { text: one.description || one.name }, made);
}

function askKey(message) {
  const input = el("input", { type: "password", autocomplete: "off", ariaLabel: "Key" });
  const form = el("form", { className: "asks", on: { submit: (event) => {
    event.preventDefault();
    key = store("key", input.value.trim());
    begin();
  } } }, el("b", { text: "Which key do you have?" }), el("p", { className: "soft", text: message }), input, el("button", { className: "act", text: "Go on" }));
  $("talk").replaceChildren(form);
  input.focus();
}

async function begin() {
  $("talk").replaceChildren(el("p", { className: "soft", text: "Loading…" }));
  try {
    const answer = await fetch(`/flows/${encodeURIComponent(flow)}`, { headers: headers() });
    const found = await answer.json();
    if (answer.status === 401) return askKey(wrong(found));
    if (!answer.ok) throw new Error(wrong(found));
    told = found;
  } catch (error) {
    $("talk").replaceChildren(el("p", { className: "bad", text: error.message }));
    return;
  }
  document.title = told.title;
  $("title").textContent = told.title;
  $("about").textContent = told.description;
  $("about").title = told.description;
  $("talk").replaceChildren();
  $("fields").replaceChildren();
  if (!told.talk) {
    $("talk").append(el("p", { className: "bad", text: "This flow takes no message, so that it cannot be talked to." }));
    $("text").disabled = $("send").disabled = true;
    return;
  }
  const others = told.inputs.filter((one) => one.name !== told.talk.input && (one.required || one.kind === "file" || one.kind === "documents"));
  $("fields").append(...others.map(field));
  if (told.talk.kind === "messages") await recall();
  if (!$("talk").children.length) $("talk").append(el("p", { className: "soft", text: told.talk.description || "Say something." }));
  $("text").focus();
}

async function recall() {
  const answer = await fetch(`/threads/${encodeURIComponent(thread)}`, { headers: headers() });
  if (!answer.ok) return;
  for (const turn of (await answer.json()).turns) {
    const text = el("div", { className: "text" });
    write(text, turn.answer);
    $("talk").append(el("div", { className: "mine", text: turn.asked }), el("article", {}, text));
  }
  down();
}

const stop = () => running && fetch(`/runs/${running}/cancel`, { method: "POST", headers: headers() });
$("say").addEventListener("submit", (event) => {
  event.preventDefault();
  if (running) stop();
  else say();
});
$("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    if (!running) $("say").requestSubmit();
  }
});
$("text").addEventListener("input", () => { $("text").rows = Math.min(8, $("text").value.split("\n").length); });
document.addEventListener("keydown", (event) => { if (event.key === "Escape") stop(); });
$("new").addEventListener("click", () => {
  thread = store("thread", `chat-${crypto.getRandomValues(new Uint32Array(3)).join("-")}`);
  begin();
});
begin();
