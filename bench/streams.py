"""One stream in three open pages: how far each is behind, and what frames it draws."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.canvas import HOST
from bench.peers import ROOT
from bench.table import Row
from patchbay.flows.document.model import Edge, Flow, NodeInstance
from patchbay.flows.document.writing import save_flow

RATE = 200
"""Pieces a second: about what a small model writes on a GPU."""
VIEWS = 3
WATCH = (
    "() => {"
    + HOST
    + """
  window.seen_ = { lags: [], frames: [], last: "" };
  let before = performance.now();
  const tick = now => {
    const { lags, frames } = window.seen_;
    const last = (root.querySelector(".pb-live .text")?.textContent ?? "").trim().split(" ").pop();
    if (last && last !== window.seen_.last) {
      window.seen_.last = last;
      lags.push(Date.now() - Number(last));
      frames.push(now - before);
    }
    before = now;
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}"""
)
"""In each frame: how old the newest piece is that is drawn, and how long the frame took."""
ENTRY = "[patchbay.nodes]\nclock = bench.clock_node:Clock\n"


def measure(quick: bool = False) -> Iterator[Row]:
    """Run a flow that streams the time while three pages show it, and read each page's screen."""
    from playwright.sync_api import sync_playwright

    from tests.browser.harness import FLAGS, chromium, let_in, serve

    path = chromium()
    if path is None:
        yield Row("stream", 0, "", note="no Chromium here")
        return
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "flows").mkdir()
        save_flow(_flow(RATE * (4 if quick else 12)), home / "flows" / "clock.json")
        env = {"PYTHONPATH": os.pathsep.join([str(_installed(home)), str(ROOT), *sys.path])}
        with serve(ROOT / "studio" / "app.py", home, env=env) as server, sync_playwright() as tool:
            browser = tool.chromium.launch(executable_path=path, args=FLAGS)
            first = let_in(browser.new_context(viewport={"width": 1280, "height": 860}))
            pages = [_opened(first, server.url)]
            # Windows of one person: a tab behind another one draws nothing.
            kept = first.storage_state()
            pages += [
                _opened(browser.new_context(storage_state=kept), server.url)
                for _ in range(VIEWS - 1)
            ]
            pages[0].get_by_role("button", name="Run", exact=True).first.click()
            for page in pages:
                page.locator(".pb-state.finished").first.wait_for(timeout=120_000)
            seen = [page.evaluate("() => window.seen_") for page in pages]
            browser.close()
    lags = [statistics.quantiles(one["lags"], n=20)[-1] for one in seen]
    frames = [statistics.quantiles(one["frames"], n=20)[-1] for one in seen]
    name = f"stream of {RATE} pieces/s in {VIEWS} pages"
    yield Row(f"{name}: 95 of 100 are drawn within, slowest page", max(lags), "ms", 250)
    yield Row(f"{name}: the longest of twenty frames, slowest page", max(frames), "ms", 100)
    yield Row(f"{name}: drawings, fewest", min(len(one["lags"]) for one in seen), "")


def _opened(context: Any, url: str) -> Any:
    from tests.browser.editor_page import tab

    page = context.new_page()
    page.goto(f"{url}/editor?flow=clock")
    page.locator(".pb-node").first.wait_for(timeout=120_000)
    tab(page, "Run")
    page.evaluate(WATCH)
    return page


def _flow(pieces: int) -> Flow:
    clock = NodeInstance(id="clock", kind="bench.clock", params={"pieces": pieces, "rate": RATE})
    out = NodeInstance(id="out", kind="io.output", params={"name": "text"})
    wire = Edge(source="clock.text", target="out.value")
    return Flow(name="Clock", nodes=(clock, out), edges=(wire,))


def _installed(home: Path) -> Path:
    """A folder in which Python finds the node as that of an installed package."""
    site = home / "site"
    told = site / "patchbay_bench-1.dist-info"
    told.mkdir(parents=True)
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: patchbay-bench\nVersion: 1\n")
    (told / "entry_points.txt").write_text(ENTRY)
    return site
