"""One browser for the tests of a file; one studio and one bare canvas for all of them."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from tests.browser.canvas_page import CanvasPage
from tests.browser.harness import FLAGS, ROOT, Server, chromium, let_in, serve

SLOW = 120_000
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


@pytest.fixture(scope="module")
def profile(browser: Browser) -> Iterator[BrowserContext]:
    """A browser profile that may use the clipboard. It has Streamlit's pages in its cache."""
    profile = browser.new_context(
        viewport={"width": 1280, "height": 860},
        permissions=["clipboard-read", "clipboard-write"],
    )
    profile.set_default_timeout(SLOW)
    yield profile
    profile.close()


@pytest.fixture
def context(profile: BrowserContext) -> Iterator[BrowserContext]:
    """A browser profile in which nobody was before: nothing is kept, no page is open."""
    yield let_in(profile)
    for page in profile.pages:
        with contextlib.suppress(PlaywrightError):  # a page that has nothing of its own
            page.evaluate("localStorage.clear()")
        page.close()
    profile.clear_cookies()


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The canvas alone, on a bare page."""
    home = tmp_path_factory.mktemp("home")
    with serve(Path(__file__).with_name("harness_app.py"), home) as server:
        yield server


_numbers = itertools.count()


@pytest.fixture
def canvas(context: BrowserContext, bare: Server) -> Iterator[CanvasPage]:
    """A tab with the bare canvas, on a flow of its own."""
    page = CanvasPage(context.new_page(), bare, f"flow{next(_numbers)}")
    yield page
    assert page.errors == []


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One studio for all tests that need nothing special; each uses flows of its own."""
    home = tmp_path_factory.mktemp("studio")
    (home / "flows").mkdir()
    with serve(ROOT / "studio" / "app.py", home) as server:
        yield server


@pytest.fixture
def page(studio: Server, context: BrowserContext) -> Iterator[Page]:
    """A tab in a fresh profile. Nothing but the studio may be asked for anything."""
    page = context.new_page()
    strangers: list[str] = []
    errors: list[str] = []

    def asked(url: str) -> None:
        if not url.startswith((studio.url, studio.url.replace("http", "ws"), "data:", "blob:")):
            strangers.append(url)

    page.on("request", lambda request: asked(request.url))
    page.on("websocket", lambda socket: asked(socket.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert strangers == []
    assert errors == []
