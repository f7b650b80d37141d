"""One browser and one bare canvas server for the tests of a session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from tests.browser.harness import FLAGS, Server, chromium, let_in, serve

SLOW = 60_000
"""Milliseconds. A busy machine takes its time; what is quick is not slowed down."""
expect.set_options(timeout=SLOW)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real Chromium, without a window.

    Not for the whole session: as long as Playwright's event loop is there, no other test of this
    process may run one of its own.
    """
    path = chromium()
    if path is None:
        pytest.skip("no Chromium here, and none could be installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh browser profile that may use the clipboard."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 860},
        permissions=["clipboard-read", "clipboard-write"],
    )
    context.set_default_timeout(SLOW)
    yield let_in(context)
    context.close()


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The canvas alone, on a bare page."""
    home = tmp_path_factory.mktemp("home")
    with serve(Path(__file__).with_name("harness_app.py"), home) as server:
        yield server
