"""The canvas with many nodes, in a real browser: frames, bytes, and how soon Python knows."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.peers import ROOT
from bench.table import Row
from bench.validation import realistic
from flows.model import Flow, Place
from flows.writing import save_flow

NODES = 500
FRAMES = """() => {
  window.frames_ = []; let last = performance.now(); window.stop_ = false;
  const tick = now => { window.frames_.push(now - last); last = now;
                        if (!window.stop_) requestAnimationFrame(tick); };
  requestAnimationFrame(tick);
}"""
STOP = "() => { window.stop_ = true; return window.frames_.slice(2); }"

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


def measure(quick: bool = False) -> Iterator[Row]:
    """Drag nodes of a flow of 500; the floor is the same browser while nothing moves."""
    from playwright.sync_api import sync_playwright

    from tests.browser.canvas_page import CanvasPage
    from tests.browser.harness import FLAGS, chromium, serve

    path = chromium()
    if path is None:
        yield Row("canvas", 0, "", note="no Chromium here")
        return
    app = ROOT / "tests" / "browser" / "harness_app.py"
    with tempfile.TemporaryDirectory() as folder, serve(app, Path(folder)) as server:
        save_flow(spread(realistic(NODES)), Path(folder) / "big.json")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
            page = browser.new_page(viewport={"width": 1280, "height": 860})
            wire = Wire(page)
            canvas = CanvasPage(page, server, "big")
            page.wait_for_timeout(3000)
            yield from _rows(canvas, wire, 3 if quick else 9)
            browser.close()


def _rows(canvas: Any, wire: Wire, repeats: int) -> Iterator[Row]:
    page = canvas.page
    page.evaluate(FRAMES)
    page.wait_for_timeout(1000)
    still = statistics.median(page.evaluate(STOP))
    frames, sent, received, waited = [], [], [], []
    for turn in range(repeats):
        x, y = canvas.middle(canvas.node(f"n{turn * 10 + 5}").locator(".pb-head"))
        page.mouse.move(x, y)
        page.mouse.down()
        page.evaluate(FRAMES)
        for step in range(60):
            page.mouse.move(x + 3 + step, y + step / 2)
        frames += page.evaluate(STOP)
        wire.clear()
        page.mouse.up()
        page.wait_for_timeout(1000)
        waited.append(page.evaluate(WAITED))
        sent.append(sum(wire.sent))
        received.append(sum(wire.received))
    name = f"canvas of {NODES} nodes"
    yield Row(f"{name}: frames while dragging", 1000 / statistics.median(frames), "/s", 59,
              "at least", against="nothing moves", other=1000 / still)  # fmt: skip
    yield Row(f"{name}: bytes of an edit, out", statistics.median(sent), "B", 2000)
    yield Row(f"{name}: bytes of an edit, in", statistics.median(received), "B", 2000)
    left, reached, acked = (statistics.median(times) for times in zip(*waited, strict=True))
    yield Row(f"{name}: drop to the page's message", left, "ms")
    yield Row(f"{name}: drop to Python", reached, "ms", 100)
    yield Row(f"{name}: drop to Python's acknowledgement", acked, "ms")


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
        socket.on("framesent", lambda data: self.sent.append(len(data)))
        socket.on("framereceived", lambda data: self.received.append(len(data)))


def spread(flow: Flow) -> Flow:
    """The flow with its nodes in rows."""
    layout = {
        node.id: Place(x=(i % 25) * 320.0, y=(i // 25) * 240.0) for i, node in enumerate(flow.nodes)
    }
    return flow.model_copy(update={"layout": layout})
