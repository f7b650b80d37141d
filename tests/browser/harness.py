"""A real browser and a real studio for tests: finds or installs a Chromium, starts Streamlit."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Browser, BrowserContext, Page

from patchbay.studio.server.access import Key
from tests.browser.ensure_chromium import find_chromium, main

ROOT = Path(__file__).parents[2]
TOKEN = "a-token-for-tests-only-0123456789"
SLOW = 120_000
"""Milliseconds. A busy machine takes its time; what is quick is not slowed down."""
UNUSED = (
    "WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup",
    # Those that Playwright switches off and that matter here: a second flag replaces its own.
    "AimEnabled", "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable", "HttpsUpgrades", "LensOverlay", "MediaRouter",
    "NetworkTimeServiceQuerying", "OptimizationHints", "PaintHolding", "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
)  # fmt: skip
"""Parts of Chromium that no test needs. The popup of its address bar, which nobody sees, is a page
of its own in every window: a second of the processor and 160 MB for each test (Chromium 156)."""
LONGEST_END_S = 120
"""Seconds in which a studio on a busy machine ends."""
FLAGS = [
    f"--disable-features={','.join(UNUSED)}",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@cache
def chromium() -> str | None:
    """A Chromium to start: one that is here, else one that can be installed; or None."""
    found = find_chromium()
    if found is None and main() == 0:
        found = find_chromium()
    return found


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """A running studio."""

    url: str
    home: Path
    process: subprocess.Popen[bytes]
    log: Path


@contextmanager
def serve(
    script: Path, home: Path, *, base: str = "", env: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """`streamlit run` a script on a free loopback port with its own home folder."""
    home.mkdir(parents=True, exist_ok=True)
    log = home / "streamlit.log"
    options = _settings() | {
        "server.address": "127.0.0.1",
        "server.headless": "true",
        "server.baseUrlPath": base,
    }
    command = [sys.executable, "-m", "streamlit", "run", str(script)]
    command += [f"--{name}={value}" for name, value in options.items() if value != ""]
    variables = {**os.environ, "PATCHBAY_HOME": str(home), "PATCHBAY_TOKEN": TOKEN, **(env or {})}
    process, port = _started(command, variables, base, log)
    try:
        yield Server(_address(port, base), home, process, log)
    finally:
        _end(process)


def _address(port: int, base: str) -> str:
    return f"http://127.0.0.1:{port}/{base}".rstrip("/")


def _started(
    command: list[str], variables: Mapping[str, str], base: str, log: Path
) -> tuple[subprocess.Popen[bytes], int]:
    """Start it, and wait until it answers; anew where somebody else was faster to take the port."""
    for _ in range(5):
        port = free_port()
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*command, f"--server.port={port}"],
                env=variables, stdout=output, stderr=subprocess.STDOUT, cwd=ROOT,
            )  # fmt: skip
        try:
            if _answers(_address(port, base), port, process):
                return process, port
        except BaseException:
            _end(process)
            raise
        _end(process)
        if "not available" not in log.read_text(errors="replace"):
            break
    raise RuntimeError(f"Streamlit does not answer:\n{log.read_text(errors='replace')}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it as a person would, who may have pages of it open and runs at work."""
    process.terminate()
    try:
        process.wait(LONGEST_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise RuntimeError("The studio does not end when it is asked to.") from None


def _settings() -> dict[str, Any]:
    """How the studio sets up Streamlit, for a script of another folder."""
    told = tomllib.loads((ROOT / "studio" / ".streamlit" / "config.toml").read_text("utf-8"))
    sections = ("server", "browser", "client", "runner")
    return {
        f"{section}.{name}": str(value).lower() if isinstance(value, bool) else value
        for section in sections
        for name, value in told[section].items()
    }


def let_in(context: BrowserContext) -> BrowserContext:
    """Give a browser profile the cookie of the studios that `serve` starts."""
    key = Key(TOKEN)
    context.add_cookies(
        [{"name": key.cookie, "value": key.value, "domain": "127.0.0.1", "path": "/"}]
    )
    return context


def another(browser: Browser, **options: Any) -> BrowserContext:
    """Another browser profile, of somebody else; as patient as that of all tests."""
    context = browser.new_context(**options)
    context.set_default_timeout(SLOW)
    return context


@contextmanager
def heard(page: Page, **handlers: Callable[[Any], None]) -> Iterator[None]:
    """Hear what happens on a page, by the names of Playwright's events, and no longer."""
    for event, handler in handlers.items():
        page.on(event, handler)  # type: ignore[call-overload]
    yield
    for event, handler in handlers.items():
        page.remove_listener(event, handler)


def _answers(url: str, port: int, process: subprocess.Popen[bytes]) -> bool:
    """Whether this process, and none other, answers on the port; False where it has ended."""
    until = time.monotonic() + 300
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError, psutil.Error):
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=10):
                pass
            listens = psutil.Process(process.pid).net_connections("tcp")
            if any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in listens):
                return True
        time.sleep(0.1)
    return False
