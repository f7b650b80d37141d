"""From the command to a Flows page with its templates, against a script of two lines."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

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

        processor: dict[str, list[float]] = {name: [] for name in commands}

        def side(name: str) -> Callable[[], float]:
            def once() -> float:
                took = opened(browser, commands[name], shown[name], Path(folder))
                processor[name].append(took.processor)
                return took.seconds

            return once

        sides = {name: side(name) for name in commands}
        seconds = interleave(sides, 3 if quick else 9)
        browser.close()
    least = {name: min(each[1:]) for name, each in processor.items()}  # the first draws the cards
    name, against = "patchbay studio: command to shown templates", "two lines of Streamlit"
    yield Row(name, seconds["ours"], "s", 1.25, on="ratio", against=against, other=seconds["floor"])
    yield Row(
        "  processor time, server and browser", least["ours"], "s", 1.25, on="ratio",
        against=against, other=least["floor"],
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


@dataclass(frozen=True, slots=True)
class Opened:
    """What it took from a command to a page: seconds on the clock, and of processors."""

    seconds: float
    processor: float


def opened(browser: Any, command: Command, wanted: str, home: Path) -> Opened:
    """From the start of a command to the last of what is wanted in a new profile."""
    from tests.browser.harness import TOKEN, free_port, let_in

    port = free_port()
    variables = {**os.environ, "PATCHBAY_HOME": str(home), "PATCHBAY_TOKEN": TOKEN}
    context = let_in(browser.new_context(viewport={"width": 1280, "height": 860}))
    page = context.new_page()
    before = _processor()
    began = time.perf_counter()
    process = subprocess.Popen(
        command(port), env=variables, cwd=ROOT, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _await_port(port, process)
        page.goto(f"http://127.0.0.1:{port}/")
        page.get_by_text(wanted, exact=True).last.wait_for(timeout=HIGHEST_S * 1000)
        seconds = time.perf_counter() - began
        after = _processor()
        spent = sum(taken - before.get(pid, 0.0) for pid, taken in after.items())
        return Opened(seconds, spent)
    finally:
        context.close()
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def _processor() -> dict[int, float]:
    """Process → seconds of processors that it took, of all that this one started."""
    found: dict[int, float] = {}
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it just ended
            times = process.cpu_times()
            found[process.pid] = times.user + times.system
    return found


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
