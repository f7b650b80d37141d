"""The memory of the studio's process after five templates ran in turn, over the largest alone."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil

from bench.peers import ROOT
from bench.table import Row

TEMPLATES = ("ask", "ask_folder", "research_crew", "adapters", "quantization_report")
"""A quantized model, embeddings, CrewAI, Transformers with PEFT, and all weights in six widths."""
MEGABYTE = 1e6
RUN_MS = 900_000


def measure(quick: bool = False) -> Iterator[Row]:
    """Run the templates in one studio, and each in a studio of its own; read what is resident."""
    from playwright.sync_api import expect, sync_playwright

    from tests.browser.harness import FLAGS, SLOW, chromium

    expect.set_options(timeout=SLOW)  # memory is measured, not time; the machine may be busy

    path = chromium()
    if path is None:
        yield Row("studio memory", 0, "", note="no Chromium here")
        return
    with sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=path, args=FLAGS)
        together = _resident(browser, TEMPLATES)
        alone = {name: _resident(browser, [name]) for name in TEMPLATES}
        browser.close()
    largest = max(alone, key=lambda name: alone[name])
    yield Row(
        "studio, five templates in turn: memory", together, "MB", 1.2, on="ratio",
        against=f"{largest} alone", other=alone[largest],
    )  # fmt: skip
    for name, size in alone.items():
        yield Row(f"  {name} alone", size, "MB")


def _resident(browser: Any, names: Sequence[str]) -> float:
    """Megabytes of the studio's process after these ran, one after the other."""
    from tests.browser.editor_page import edit, run, side
    from tests.browser.harness import another, let_in, serve

    saved = ROOT / "flows" / "saved"
    with tempfile.TemporaryDirectory() as folder:
        flows = Path(folder) / "flows"
        flows.mkdir()
        shutil.copytree(saved / "texts", flows / "texts")
        for name in names:
            shutil.copyfile(saved / f"{name}.json", flows / f"{name}.json")
        with serve(ROOT / "studio" / "app.py", Path(folder)) as server:
            profile = another(browser, viewport={"width": 1280, "height": 860})
            page = let_in(profile).new_page()
            for name in names:
                edit(server, page, name)
                run(page)
                side(page).get_by_text("Finished").first.wait_for(timeout=RUN_MS)
            resident: int = psutil.Process(server.process.pid).memory_info().rss
            page.context.close()
            return resident / MEGABYTE
