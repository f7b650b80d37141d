"""From the Flows page to an answer of one's first own flow, by a newcomer who reads nothing."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.peers import ROOT
from bench.table import Row

LONGEST_S, MOST = 60.0, 8
"""What the whole way may take: in seconds, the loading of the model included, and in gestures."""


def measure(quick: bool = False) -> Iterator[Row]:
    """Go the way once in a studio in which nobody was before."""
    from playwright.sync_api import expect, sync_playwright

    from tests.browser.harness import FLAGS, SLOW, another, chromium, let_in, serve
    from tests.browser.newcomer import first_own_flow

    path = chromium()
    if path is None:
        yield Row("newcomer", 0, "", note="no Chromium here")
        return
    expect.set_options(timeout=SLOW)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=path, args=FLAGS)
        with serve(ROOT / "studio" / "app.py", Path(folder)) as server:
            page = let_in(another(browser)).new_page()
            page.goto(server.url)
            page.get_by_role("button", name="New canvas").wait_for()
            began = time.perf_counter()
            gestures = first_own_flow(server, page)
            seconds = time.perf_counter() - began
        browser.close()
    yield Row("newcomer: the first own flow answers", seconds, "s", LONGEST_S)
    yield Row("  gestures", len(gestures), "", MOST)
