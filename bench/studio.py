"""From the command to a Flows page with its templates, against a script of two lines."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.peers import ROOT
from bench.table import Row
from bench.timing import interleave

TWO_LINES = 'import streamlit as st\nst.write("Two lines")\n'
HIGHEST_S = 120.0


def measure(quick: bool = False) -> Iterator[Row]:
    """Start both, in turns, and open them in new profiles of one browser."""
    from playwright.sync_api import sync_playwright

    from tests.browser.harness import FLAGS, chromium

    path = chromium()
    if path is None:
        yield Row("studio", 0, "", note="no Chromium here")
        return
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        script = Path(folder) / "two_lines.py"
        script.write_text(TWO_LINES)
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        shown = {"floor": "Two lines", "ours": "Use template"}
        commands = {"floor": floor(script), "ours": studio}

        def side(name: str) -> Callable[[], float]:
            return lambda: opened(browser, commands[name], shown[name], Path(folder))

        sides = {name: side(name) for name in commands}
        seconds = interleave(sides, 3 if quick else 9)
        browser.close()
    yield Row(
        "patchbay studio: command to shown templates", seconds["ours"], "s", 1.25, on="ratio",
        against="two lines of Streamlit", other=seconds["floor"],
    )  # fmt: skip


Command = Callable[[int], Sequence[str]]
"""What to start for a port."""


def floor(script: Path) -> Command:
    """Streamlit with a script of two lines, as a studio is started."""
    options = ["--server.address", "127.0.0.1", "--server.headless", "true"]
    options += ["--browser.gatherUsageStats", "false", "--server.fileWatcherType", "none"]
    run = [sys.executable, "-m", "streamlit", "run", str(script), *options]
    return lambda port: [*run, "--server.port", str(port)]


def studio(port: int) -> Sequence[str]:
    """The command that people type."""
    patchbay = str(Path(sys.executable).parent / "patchbay")
    return [patchbay, "studio", "--headless", "--port", str(port)]


def opened(browser: Any, command: Command, wanted: str, home: Path) -> float:
    """Seconds from the start of a command to the last of what is wanted in a new profile."""
    from tests.browser.harness import TOKEN, free_port, let_in

    port = free_port()
    variables = {**os.environ, "PATCHBAY_HOME": str(home), "PATCHBAY_TOKEN": TOKEN}
    context = let_in(browser.new_context(viewport={"width": 1280, "height": 860}))
    page = context.new_page()
    began = time.perf_counter()
    process = subprocess.Popen(
        command(port), env=variables, cwd=ROOT, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _await_port(port, process)
        page.goto(f"http://127.0.0.1:{port}/")
        page.get_by_text(wanted, exact=True).last.wait_for(timeout=HIGHEST_S * 1000)
        return time.perf_counter() - began
    finally:
        context.close()
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def _await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + HIGHEST_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"It ended at once, with {process.returncode}.")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.01)
    raise RuntimeError("It does not listen.")
