"""One browser for the tests of a file; one studio and one bare canvas for all of them."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Request,
    ViewportSize,
    WebSocket,
    expect,
    sync_playwright,
)
from playwright.sync_api import Error as PlaywrightError

from tests.browser.canvas_page import CanvasPage
from tests.browser.harness import (
    FLAGS,
    ROOT,
    SLOW,
    Server,
    another,
    chromium,
    heard,
    let_in,
    serve,
)

SIZE: ViewportSize = {"width": 1280, "height": 860}
LONGEST_S = 1200
"""Seconds that a test may take: some do dozens of things, each of which may take its time."""
expect.set_options(timeout=SLOW)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(LONGEST_S))


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
    profile = another(browser, viewport=SIZE, permissions=["clipboard-read", "clipboard-write"])
    yield profile
    profile.close()


@pytest.fixture
def context(profile: BrowserContext) -> Iterator[BrowserContext]:
    """A browser profile in which nobody was before: nothing is kept, nothing but an empty page
    is open."""
    yield let_in(profile)
    first, *others = profile.pages or [profile.new_page()]
    for page in others:
        page.close()
    empty(first)
    profile.clear_cookies()


def empty(page: Page) -> None:
    """Make a page as it is before anybody goes anywhere."""
    page.unroute_all(behavior="ignoreErrors")
    with contextlib.suppress(PlaywrightError):  # a page that has nothing of its own
        page.evaluate("localStorage.clear(); sessionStorage.clear()")
    page.goto("about:blank")
    page.mouse.move(0, 0)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(SIZE)


@pytest.fixture
def empty_page(context: BrowserContext) -> Page:
    """The first page of the profile.

    The tests of a file have one after the other: what their pages are built of is compiled there
    already, which is almost half of what the loading of a page costs the processor.
    """
    return context.pages[0] if context.pages else context.new_page()


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The canvas alone, on a bare page."""
    home = tmp_path_factory.mktemp("home")
    with serve(Path(__file__).with_name("harness_app.py"), home) as server:
        yield server


_numbers = itertools.count()


@pytest.fixture
def canvas(empty_page: Page, bare: Server) -> Iterator[CanvasPage]:
    """A tab with the bare canvas, on a flow of its own."""
    page = CanvasPage(empty_page, bare, f"flow{next(_numbers)}")
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
def page(studio: Server, empty_page: Page) -> Iterator[Page]:
    """A tab in a fresh profile. Nothing but the studio may be asked for anything."""
    strangers: list[str] = []
    errors: list[str] = []

    def asked(request: Request | WebSocket) -> None:
        own = (studio.url, studio.url.replace("http", "ws"), "data:", "blob:")
        if not request.url.startswith(own):
            strangers.append(request.url)

    def wrong(error: PlaywrightError) -> None:
        errors.append(str(error))

    with heard(empty_page, request=asked, websocket=asked, pageerror=wrong):
        yield empty_page
    assert strangers == []
    assert errors == []
