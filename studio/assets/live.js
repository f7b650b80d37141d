// What a page hears of its flow while nothing is rerun: saved or not, and a run as it happens.
// All text is set with textContent: nothing that a flow or a model wrote can become markup.

const channels = (window.__patchbayLive ??= new Map());

/** The newest revision of each flow that its canvas on this page shows: news of it is none. */
const shown = (window.__patchbayShown ??= new Map());

function channel(path) {
  let it = channels.get(path);
  if (it) return it;
  it = { rev: null, saved: true, conflict: false, run: null, nodes: new Map(), listeners: new Set(), wait: 300 };
  const tell = () => it.listeners.forEach((listener) => listener());
  const take = (m) => {
    if (m.reset) { it.nodes.clear(); it.run = null; }
    if (m.run) it.run = m.run;
    if ("revision" in m) { it.rev = m.revision; it.saved = m.saved; it.conflict = m.conflict; }
    if (m.node) {
      const old = it.nodes.get(m.node) ?? { text: "" };
      const text = "text_all" in m ? m.text_all : old.text + (m.text ?? "");
      const steps = m.steps_all ?? (m.step ? [...(old.steps ?? []), m.step] : old.steps);
      it.nodes.set(m.node, { ...old, message: "", ...m, text, steps });
    }
  };
  const connect = () => {
    if (it.closed) return;
    it.socket = new WebSocket(path);
    it.socket.onmessage = (event) => { it.wait = 300; JSON.parse(event.data).forEach(take); tell(); };
    it.socket.onclose = (event) => {
      if (it.closed || event.code === 1008) return;
      setTimeout(connect, it.wait);
      it.wait = Math.min(it.wait * 2, 5000);
    };
  };
  connect();
  it.leave = (listener) => {
    it.listeners.delete(listener);
    setTimeout(() => {
      if (it.listeners.size || it.closed) return;
      it.closed = true;
      channels.delete(path);
      it.socket.close();
    }, 3000);
  };
  channels.set(path, it);
  return it;
}

/**
 * Streamlit's text areas tell what was typed when they are left, or at Ctrl+Enter. In the panel a pause is enough:
 * what is wrong with a template shows while it is written.
 */
const PAUSE_MS = 600;
function tellWhatIsTyped() {
  if (window.__patchbayTyping) return;
  const pauses = (window.__patchbayTyping = new WeakMap());
  document.addEventListener("input", (event) => {
    const field = event.target;
    if (event.isComposing || !field.matches?.(".st-key-side [data-testid=stTextArea] textarea")) return;
    clearTimeout(pauses.get(field));
    const enter = () => field.isConnected && field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", ctrlKey: true, bubbles: true, cancelable: true }));
    pauses.set(field, setTimeout(enter, PAUSE_MS));
  }, true);
}

function drawPulse(root, it, data) {
  let words = "Saved", name = "saved";
  if (it.conflict ?? data.conflict) { words = "Changed on disk"; name = "warn"; }
  else if (!(it.rev === null ? data.saved : it.saved)) { words = "Saving…"; name = "busy"; }
  root.className = `root pulse ${name}`;
  root.setAttribute("role", "status");
  if (root.textContent !== words) root.textContent = words;
}

const STATES = { running: "Running", cancelled: "Stopped", finished: "Finished", failed: "Failed" };

/** How the run is as far as this page has heard, which is sooner than any rerun can say. */
function stateOf(it, data) {
  const status = it.run && it.run.id === data.run ? it.run.status : "running";
  const badge = el("div", `state ${status}`, STATES[status] ?? status);
  badge.setAttribute("role", "status");
  return badge;
}

const MARKS = { done: "✓", cached: "✓", failed: "✕", skipped: "–", cancelled: "–", running: "", waiting: "…", queued: "" };

function traceOf(root, path) {
  const held = (root.__traces ??= new Map());
  if (!held.has(path)) held.set(path, el("div", "trace"));
  return held.get(path);
}

function drawRun(root, it, data) {
  root.className = "root run";
  const titles = new Map(data.steps);
  const now = Date.now() / 1000;
  const rows = [];
  const paths = [...it.nodes.keys()].filter((path) => !data.chat || !path.includes("/"));
  const order = [...titles.keys()];
  const place = (path) => { const i = order.indexOf(path.split("/")[0]); return i < 0 ? 1e6 : i; };
  paths.sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
  const shown = paths.length > 60 ? paths.filter((p) => ["running", "failed"].includes(it.nodes.get(p).status)).slice(0, 60) : paths;
  for (const path of shown) {
    const node = it.nodes.get(path);
    const row = el("div", `row ${node.status}`);
    const inner = path.split("/");
    row.style.paddingLeft = `${(inner.length - 1) * 14}px`;
    row.append(el("span", `mark ${node.status}`, MARKS[node.status] ?? ""));
    row.append(el("span", "title", inner.length > 1 ? inner.slice(1).join(" / ") : titles.get(path) ?? path));
    const facts = [];
    if (node.tokens) facts.push(`${node.tokens} tokens`);
    if (node.first_token_s) facts.push(`${node.first_token_s.toFixed(2)} s to first`);
    if (node.per_second) facts.push(`${Math.round(node.per_second)} tokens/s`);
    if (node.status === "cached") facts.push("cached");
    if (node.seconds !== undefined) facts.push(seconds(node.seconds));
    else if (node.status === "running" && node.since) facts.push(seconds(Math.max(0, now - node.since)));
    row.append(el("span", "facts", facts.join(" · ")));
    rows.push(row);
    if (node.message && node.status !== "done") rows.push(el("div", `message ${node.status}`, node.message));
    if (node.steps?.length) {
      const trace = traceOf(root, path);
      growTrace(trace, node.steps, (root.__roles ??= []));
      rows.push(trace);
    }
    if (node.text && ["running", "waiting"].includes(node.status) && !data.chat) {
      rows.push(el("div", "text", node.text.slice(-1500)));
    }
  }
  if (data.chat) {
    const answer = it.nodes.get(data.answer);
    const details = el("details");
    const busy = [...it.nodes.values()].filter((node) => node.status === "running");
    const names = [...it.nodes].filter(([, node]) => node.status === "running").map(([path]) => titles.get(path) ?? path);
    details.append(el("summary", "", busy.length ? `${names[0]}…` : "Working…"), ...rows);
    details.open = root.querySelector("details")?.open ?? false;
    root.replaceChildren(details);
    if (answer?.text) root.append(el("div", "answer", answer.text));
    const state = stateOf(it, data);
    if (!state.classList.contains("running")) root.append(state);
  } else {
    const texts = root.querySelectorAll(".text");
    const follow = [...texts].map((t) => t.scrollTop + t.clientHeight >= t.scrollHeight - 8);
    root.replaceChildren(stateOf(it, data), ...rows);
    root.querySelectorAll(".text").forEach((t, i) => { if (follow[i] !== false) t.scrollTop = t.scrollHeight; });
  }
}

export function mount(component, base) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".root");
  if (!parentElement.querySelector("style.live")) parentElement.append(el("style", "live", CSS));
  tellWhatIsTyped();
  if (data.mode === "trace") {
    const made = el("div", "trace");
    growTrace(made, data.trace, []);
    root.replaceChildren(made);
    return;
  }
  if (data.mode === "found") {
    root.replaceChildren(...data.found.map(foundElement));
    return;
  }
  const it = channel(new URL(base + data.url, document.baseURI).href.replace(/^http/, "ws"));
  let timer = 0, frame = 0;
  const stale = () => {
    const run = it.run ? `${it.run.id}:${it.run.status}` : "";
    const seen = Math.max(data.rev, shown.get(data.doc) ?? 0);
    return (it.rev !== null && it.rev > seen) || run !== data.run || (it.rev !== null && it.conflict !== data.conflict);
  };
  const draw = () => {
    frame = 0;
    if (data.mode === "pulse") drawPulse(root, it, data); else drawRun(root, it, data);
  };
  const heard = () => {
    frame ||= requestAnimationFrame(draw);
    if (data.mode === "pulse" && !timer && it.rev !== null && stale()) {
      timer = setTimeout(() => { timer = 0; if (stale()) setTriggerValue("stale", Date.now()); }, data.wait);
    }
  };
  it.listeners.add(heard);
  draw();
  heard();
  const clock = data.mode === "pulse" ? 0 : setInterval(() => { frame ||= requestAnimationFrame(draw); }, 200);
  return () => {
    clearInterval(clock); clearTimeout(timer); cancelAnimationFrame(frame);
    it.leave(heard);
  };
}
