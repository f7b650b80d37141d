"""The editor under a finger: the palette scrolls, a tap adds, a long press carries, two pinch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect

from tests.browser.editor_page import edit, middle, nodes, still
from tests.browser.flow_files import put
from tests.browser.harness import Server, another, let_in

Point = tuple[float, float]
VIEW = "(view) => getComputedStyle(view).transform.match(/[-\\d.]+/g).map(Number)"
"""The zoom of a canvas, and where it is: (zoom, 0, 0, zoom, x, y)."""


TWO_FRAMES = (
    """() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"""
)


class Fingers:
    """Fingers on the glass, as the browser hears of them."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.glass: CDPSession = page.context.new_cdp_session(page)

    def touch(self, kind: str, *points: Point) -> None:
        """One event of all fingers that are down."""
        fingers = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        event: Any = {"type": kind, "touchPoints": fingers}
        self.glass.send("Input.dispatchTouchEvent", event)

    def slide(self, start: Point, end: Point, *, first: int = 1) -> None:
        """One finger over the glass, and up; it is down already where the first step was taken."""
        if first == 1:
            self.touch("touchStart", start)
        for step in range(first, 9):
            x, y = (a + (b - a) * step / 8 for a, b in zip(start, end, strict=True))
            self.touch("touchMove", (x, y))
            self.page.wait_for_timeout(16)
        self.touch("touchEnd")

    def carry(self, start: Point, end: Point) -> None:
        """One finger that rests until it has taken up what lies under it, and carries that."""
        self.touch("touchStart", start)
        expect(self.page.locator(".pb-ghost")).to_be_visible()
        for step in range(1, 9):
            x, y = (a + (b - a) * step / 8 for a, b in zip(start, end, strict=True))
            self.touch("touchMove", (x, y))
        self.touch("touchEnd")

    def swipe(self, start: Point, end: Point) -> None:
        """One finger over the glass and up, before it takes anything up; again where the machine
        let it rest for too long."""
        x, y = (a + (b - a) / 8 for a, b in zip(start, end, strict=True))
        for _ in range(20):
            self.touch("touchStart", start)
            self.touch("touchMove", (x, y))
            self.page.evaluate(TWO_FRAMES)
            if not self.page.locator(".pb-ghost").count():
                return self.slide(start, end, first=2)
            self.touch("touchCancel")
        raise AssertionError("a finger that does not rest carries something")

    def pinch(self, at: Point, before: float, after: float) -> None:
        """Two fingers, whose distance goes from `before` to `after` pixels."""
        x, y = at

        def fingers(apart: float) -> tuple[Point, Point]:
            return (x - apart / 2, y), (x + apart / 2, y)

        self.touch("touchStart", *fingers(before))
        for step in range(1, 9):
            self.touch("touchMove", *fingers(before + (after - before) * step / 8))
            self.page.wait_for_timeout(16)
        self.touch("touchEnd")


@pytest.fixture
def tablet(browser: Browser, studio: Server) -> Iterator[Page]:
    context = another(browser, viewport={"width": 1280, "height": 860}, has_touch=True)
    yield let_in(context).new_page()
    context.close()


def test_a_swipe_scrolls_the_palette_a_tap_adds_and_a_long_press_carries(
    studio: Server, tablet: Page
) -> None:
    put(studio, "touched", {"format": 1, "nodes": [], "edges": []})
    tablet.goto(f"{studio.url}/editor?flow=touched")
    expect(tablet.locator(".pb-item").first).to_be_visible()
    fingers, listed = Fingers(tablet), tablet.locator(".pb-palette-list")
    tablet.locator('.pb-item[data-kind="io.input"]').tap()
    expect(nodes(tablet)).to_have_count(1)
    tablet.locator('.pb-item[data-kind="prompt.template"]').tap()  # beside it, and wired
    expect(nodes(tablet)).to_have_count(2)
    expect(tablet.locator(".react-flow__edge")).to_have_count(1)
    fingers.carry(middle(tablet.locator('.pb-item[data-kind="io.value"]')), (700, 600))
    expect(nodes(tablet)).to_have_count(3)
    expect(tablet.locator(".react-flow__edge")).to_have_count(1)
    x, y = middle(tablet.locator(".pb-item").nth(5))
    fingers.swipe((x, y), (x + 400, y))  # quickly aside: nothing is carried
    fingers.swipe((x, y), (x, y - 180))
    tablet.wait_for_function("(list) => list.scrollTop > 60", arg=listed.element_handle())
    expect(nodes(tablet)).to_have_count(3)


def test_one_finger_pans_the_canvas_and_two_zoom_it(studio: Server, tablet: Page) -> None:
    put(studio, "pinched")
    edit(studio, tablet, "pinched")
    still(tablet)
    view, fingers = tablet.locator(".react-flow__viewport"), Fingers(tablet)
    before = view.evaluate(VIEW)
    fingers.slide((700, 700), (820, 740))
    still(tablet)
    panned = view.evaluate(VIEW)
    assert panned[0] == before[0]
    assert panned[4] - before[4] == pytest.approx(120, abs=25)
    assert panned[5] - before[5] == pytest.approx(40, abs=15)
    fingers.pinch((760, 700), 300, 150)
    still(tablet)
    assert view.evaluate(VIEW)[0] < panned[0] * 0.75
    expect(nodes(tablet)).to_have_count(5)
