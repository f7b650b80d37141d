"use strict";
const el = (tag, text, parent, cls) => {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (cls) made.className = cls;
  if (parent) parent.append(made);
  return made;
};
const form = document.getElementById("key");
const said = document.getElementById("said");
const place = document.getElementById("flows");
const hash = new URLSearchParams(location.hash.slice(1));
if (hash.get("key")) {
  sessionStorage.setItem("patchbay-key", hash.get("key"));
  history.replaceState(null, "", location.pathname);
}
form.key.value = sessionStorage.getItem("patchbay-key") || "";

function table(parent, head, rows) {
  const made = el("table", undefined, parent);
  const top = el("tr", undefined, made);
  for (const word of head) el("th", word, top);
  for (const row of rows) {
    const line = el("tr", undefined, made);
    for (const cell of row) el("td", cell, line);
  }
}

function show(flow) {
  const part = el("section", undefined, place);
  el("h2", flow.title, part);
  el("p", flow.description, part);
  el("p", "POST " + flow.run + (flow.asks_people ? " · may ask a person" : ""), part, "soft");
  if (flow.inputs.length) {
    table(part, ["Input", "Kind", "Needed", ""], flow.inputs.map((one) => [
      one.name, one.kind, one.required ? "yes" : "no", one.description || "",
    ]));
  }
  table(part, ["Output", ""], flow.outputs.map((one) => [one.name, one.description || ""]));
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const written = (value) => (typeof value === "string" ? value : JSON.stringify(value));
  const files = flow.inputs.filter((one) => one.kind === "file" && one.required);
  const sent = files.length
    ? [
        ...files.map((one) => `-F ${quoted(`${one.name}=@FILE`)}`),
        ...Object.entries(flow.example).map(([name, value]) => `--form-string ${quoted(`${name}=${written(value)}`)}`),
      ]
    : ['-H "Content-Type: application/json"', `-d ${quoted(JSON.stringify(flow.example))}`];
  const lines = [`curl ${quoted(location.origin + flow.run)}`, '-H "Authorization: Bearer $KEY"', ...sent];
  el("pre", lines.join(" \\\n  "), part);
}

async function load(event) {
  event?.preventDefault();
  const key = form.key.value.trim();
  sessionStorage.setItem("patchbay-key", key);
  said.textContent = "Loading…";
  place.replaceChildren();
  try {
    const answer = await fetch("/flows", { headers: key ? { Authorization: `Bearer ${key}` } : {} });
    const found = await answer.json();
    if (!answer.ok) throw new Error(`${found.error.message} ${found.error.fix || ""}`);
    said.textContent = found.flows.length ? "" : "No flow is served for this key.";
    found.flows.forEach(show);
  } catch (error) {
    said.textContent = error.message;
  }
}
form.addEventListener("submit", load);
load();
