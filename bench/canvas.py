"""The canvas with many nodes, in a real browser: frames, bytes, and how soon Python knows."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.peers import ROOT
from bench.table import Row
from bench.validation import realistic
from patchbay.flows.document.model import Flow, Place
from patchbay.flows.document.writing import save_flow

SIZES = (500, 1000)
DROP_MS = {500: 50.0, 1000: 80.0}
"""From letting go of a node to Python, at most."""
FRAME_MS = {500: 20.0}
"""The longest of twenty frames while one node is dragged, at most."""
OUT_BYTES, IN_BYTES = 1247, 1820
"""What an edit may send to Python and back."""
HOST = """
  const root = [...document.querySelectorAll("*")].map(e => e.shadowRoot)
    .find(shadow => shadow?.querySelector(".pb-host"));
"""
"""Finds the canvas, which stands in a shadow of Streamlit's page."""
FRAMES = """() => {
  window.frames_ = []; let last = window.began_ = performance.now(); window.stop_ = false;
  const tick = now => { window.frames_.push(now - last); last = now;
                        if (!window.stop_) requestAnimationFrame(tick); };
  requestAnimationFrame(tick);
}"""
IN_VIEW = (
    "() => {"
    + HOST
    + """
  const area = root.querySelector(".pb-canvas").getBoundingClientRect();
  return [...root.querySelectorAll(".pb-node")].map(node => node.getBoundingClientRect())
    .map(box => [box.x + box.width / 2, box.y + Math.min(8, box.height / 2)])
    .filter(([x, y]) => x > area.x + 60 && x < area.right - 80 && y > area.y + 80
                        && y < area.bottom - 60
                        && root.elementFromPoint(x, y)?.closest(".pb-node"));
}"""
)
"""Where the nodes are that a hand can reach."""
STOP = """() => {
  window.stop_ = true;
  const frames = window.frames_.slice(2);
  return frames.length ? frames : [performance.now() - window.began_];
}"""
"""The frames' lengths; of a page that drew none in all that time, the time itself."""
PROBE = """() => {
  const began = performance.now();
  let sum = 0;
  for (let i = 0; i < 5e6; i++) sum += Math.sqrt(i % 1000);
  window.probed_ = sum;
  return performance.now() - began;
}"""
"""A fixed piece of work in the page, in ms: a machine that is busy takes longer for it too."""
BESIDE = "a fixed piece of work in the page"

CLOCK = """
  window.got_ = []; window.acked_ = []; window.sent_ = []; window.up_ = 0;
  const text = new TextDecoder();
  addEventListener("pointerup", event => {
    window.up_ = event.timeStamp; window.got_ = []; window.acked_ = []; window.sent_ = [];
  }, true);
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    window.sent_.push(performance.now()); return send.call(this, data);
  };
  const Plain = WebSocket;
  window.WebSocket = class extends Plain {
    constructor(...more) {
      super(...more);
      this.addEventListener("message", event => {
        if (!event.data.byteLength) return;  // the pushed status is text
        window.got_.push(performance.now());
        if (text.decode(event.data).includes('"ack"')) window.acked_.push(performance.now());
      });
    }
  };
"""
"""Notes in the page when the pointer went up and when messages came: no tool in between."""
WAITED = """() => {
  const after = times => times.find(at => at > window.sent_[0]) - window.up_;
  return [window.sent_[0] - window.up_, after(window.got_), after(window.acked_)];
}"""
"""From letting go: to the page's message, to Python's first sign of it, to the acknowledgement.

The first sign is Streamlit's "a run begins", so Python has had the edit for a moment by then. The
acknowledgement comes when the edit is applied and the flow is validated.
"""

AWAIT_FIELDS = (
    "node => {"
    + HOST
    + """
  window.fields_ = new Promise(done => {
    const look = () => root.querySelector(`.pb-form[data-node="${node}"] input`)
      ? done(performance.now() - window.up_) : requestAnimationFrame(look);
    look();
  });
}"""
)
TABS = ("Values", "Run", "Problems", "Node")
AWAIT_TAB = (
    "name => {"
    + HOST
    + """
  const tab = [...root.querySelectorAll('.pb-dock [role="tab"]')]
    .find(e => e.textContent.startsWith(name));
  const box = tab.getBoundingClientRect();
  window.tab_ = new Promise(done => {
    const look = () => {
      const panel = root.querySelector('.pb-dock [role="tabpanel"]');
      if (panel?.getAttribute("aria-label") === name && panel.childElementCount)
        requestAnimationFrame(() => done(performance.now() - window.up_));
      else requestAnimationFrame(look);
    };
    look();
  });
  return [box.x + box.width / 2, box.y + box.height / 2];
}"""
)
"""From letting go of a tab to the frame after the one in which its panel has something in it."""
NODE_AT = """([x, y]) => [...document.querySelectorAll("*")].map(e => e.shadowRoot)
  .find(shadow => shadow?.querySelector(".pb-host")).elementFromPoint(x, y)
  .closest(".react-flow__node").dataset.id"""
"""From letting go of a node to the frame in which its fields can be typed into."""


AWAIT_PORT = (
    "port => {"
    + HOST
    + """
  window.port_ = new Promise(done => {
    let pressed = 0;
    addEventListener("keydown", event => { pressed = event.timeStamp; }, true);
    const end = () => done(performance.now() - pressed);
    const look = () =>
      requestAnimationFrame(root.querySelector(`.pb-handle[data-port="${port}"]`) ? end : look);
    look();
  });
}"""
)
"""From the last key that was pressed to the frame after the one in which a port is there."""


def measure(quick: bool = False) -> Iterator[Row]:
    """Drag nodes in the editor, in flows of 500 and 1,000; the floor is the page at rest."""
    from playwright.sync_api import sync_playwright

    from tests.browser.harness import FLAGS, chromium, let_in, serve

    path = chromium()
    if path is None:
        yield Row("canvas", 0, "", note="no Chromium here")
        return
    with tempfile.TemporaryDirectory() as folder:
        flows = Path(folder) / "flows"
        flows.mkdir()
        for size in SIZES:
            save_flow(spread(realistic(size)), flows / f"nodes-{size}.json")
        with (
            serve(ROOT / "studio" / "app.py", Path(folder)) as server,
            sync_playwright() as playwright,
        ):
            browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
            for size in SIZES:
                context = browser.new_context(viewport={"width": 1280, "height": 860})
                page = let_in(context).new_page()
                wire = Wire(page)
                page.goto(f"{server.url}/editor?flow=nodes-{size}")
                page.locator(".pb-node").first.wait_for(timeout=120_000)
                page.wait_for_timeout(4000)
                yield from _rows(page, wire, size, 3 if quick else 9)
                context.close()
            browser.close()


def _rows(page: Any, wire: Wire, size: int, repeats: int) -> Iterator[Row]:
    name, many = f"canvas of {size:,} nodes", size == max(SIZES)
    page.evaluate(FRAMES)
    page.wait_for_timeout(1000)
    still = statistics.median(page.evaluate(STOP))
    _drag(page, wire, 0)  # the first edit also switches the undo button on
    drags = [_drag(page, wire, turn) for turn in range(1, repeats + 1)]
    frames = [frame for drag in drags for frame in drag.frames]
    probe = statistics.median(drag.probe for drag in drags)

    def timed(what: str, value: float, limit: float | None = None, beside: float = probe) -> Row:
        return Row(f"{name}: {what}", value, "ms", limit, against=BESIDE, other=beside)

    yield Row(f"{name}: frames while dragging, {drags[0].in_view} in view",
              1000 / statistics.median(frames), "/s", 30 if many else 59, "at least",
              against="nothing moves", other=1000 / still)  # fmt: skip
    slow = statistics.quantiles(frames, n=20)[-1] if len(frames) > 1 else frames[0]
    yield timed("the longest of twenty frames", slow, FRAME_MS.get(size))
    sent, received = (statistics.median(way) for way in zip(*(d.sizes for d in drags), strict=True))
    yield Row(f"{name}: bytes of an edit, out", sent, "B", OUT_BYTES)
    yield Row(f"{name}: bytes of an edit, in", received, "B", IN_BYTES)
    left, reached, acked = (
        statistics.median(times) for times in zip(*(drag.waited for drag in drags), strict=True)
    )
    yield timed("drop to the page's message", left)
    yield timed("drop to Python", reached, DROP_MS[size])
    yield timed("drop to Python's acknowledgement", acked)
    clicks = [_click(page, turn) for turn in range(repeats)]
    probe = page.evaluate(PROBE)
    yield timed("click on a node to its fields", statistics.median(clicks), 50, probe)
    tabs = [_tab(page, TABS[turn % len(TABS)]) for turn in range(2 * len(TABS))][len(TABS) :]
    probe = page.evaluate(PROBE)
    yield timed("click on a tab to its panel", statistics.median(tabs), 50, probe)
    keys = [_key(page, turn) for turn in range(repeats)]
    probe = page.evaluate(PROBE)
    yield timed("key in a prompt to its port", statistics.median(keys), 100, probe)


@dataclass(frozen=True, slots=True)
class Drag:
    """What one drag cost: frames in ms, nodes in view, bytes (out, in), and waits in ms; and what
    the fixed piece of work took just before."""

    frames: list[float]
    in_view: int
    sizes: tuple[int, int]
    waited: list[float]
    probe: float


def _drag(page: Any, wire: Wire, turn: int) -> Drag:
    probe = float(page.evaluate(PROBE))
    seen = page.evaluate(IN_VIEW)
    x, y = seen[(turn * 37) % len(seen)]
    page.mouse.move(x, y)
    page.mouse.down()
    page.wait_for_timeout(600)  # the panel shows the node that was pressed
    page.evaluate(FRAMES)
    for step in range(60):
        page.mouse.move(x + 3 + step, y + step / 2)
    frames = page.evaluate(STOP)
    wire.clear()
    page.mouse.up()
    # On a busy machine an answer takes so long that the edit is sent again: counted for each time.
    page.wait_for_function("() => window.acked_.length > 0", polling=200)
    page.wait_for_timeout(800)
    times = max(1, len(wire.sent))
    sizes = sum(wire.sent) // times, sum(wire.received) // times
    return Drag(frames, len(seen), sizes, page.evaluate(WAITED), probe)


def _click(page: Any, turn: int) -> float:
    """Click on a node that is not chosen; milliseconds until its fields are there."""
    seen = page.evaluate(IN_VIEW)
    x, y = seen[(11 + turn * 7) % len(seen)]
    page.evaluate(AWAIT_FIELDS, page.evaluate(NODE_AT, [x, y]))
    page.mouse.click(x, y)
    waited = float(page.evaluate("() => window.fields_"))
    page.wait_for_timeout(700)
    return waited


def _tab(page: Any, name: str) -> float:
    """Click on a tab of the dock; milliseconds until its panel is drawn."""
    x, y = page.evaluate(AWAIT_TAB, name)
    page.mouse.click(x, y)
    waited = float(page.evaluate("() => window.tab_"))
    page.wait_for_timeout(300)
    return waited


def _key(page: Any, turn: int) -> float:
    """Close a brace in a prompt in view; milliseconds until the port is on the canvas."""
    if not turn:
        seen = {page.evaluate(NODE_AT, at): at for at in page.evaluate(IN_VIEW)}
        page.mouse.click(*next(at for node, at in seen.items() if node[-1] in "1357"))
        page.wait_for_timeout(1000)
    form = page.locator(".pb-form[data-node]")
    node, field = form.get_attribute("data-node"), form.locator("textarea").first
    field.focus()
    page.keyboard.press("Control+End")
    page.keyboard.type(f" {{more{turn}")
    page.wait_for_timeout(1200)  # Python has it as it is now
    page.evaluate(AWAIT_PORT, f"{node}.more{turn}")
    page.keyboard.press("}")
    waited = float(page.evaluate("() => window.port_"))
    page.wait_for_timeout(800)
    return waited


class Wire:
    """The sizes of what goes over the page's WebSocket."""

    def __init__(self, page: Any) -> None:
        self.sent: list[int] = []
        self.received: list[int] = []
        page.add_init_script(CLOCK)
        page.on("websocket", self._watch)

    def clear(self) -> None:
        """Forget what came so far."""
        self.sent, self.received = [], []

    def _watch(self, socket: Any) -> None:
        if "_stcore" not in socket.url:  # not the pushed status
            return
        socket.on("framesent", lambda data: self.sent.append(len(data)))
        socket.on("framereceived", lambda data: self.received.append(len(data)))


def spread(flow: Flow) -> Flow:
    """The flow with its nodes in rows."""
    layout = {
        node.id: Place(x=(i % 25) * 320.0, y=(i // 25) * 240.0) for i, node in enumerate(flow.nodes)
    }
    return flow.model_copy(update={"layout": layout})
