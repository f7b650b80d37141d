"""The studio on a telephone: the canvas is free at first, and nothing sticks out sideways."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.editor_page import dock, edit, front, nodes, shoot, tab
from tests.browser.flow_files import put
from tests.browser.harness import Server

TELEPHONE = {"width": 390, "height": 844}
FITS = """() => [document.documentElement, document.querySelector('[data-testid="stMain"]')]
    .every((box) => box && box.scrollWidth <= box.clientWidth)"""

IN_VIEW = "(part) => part.getBoundingClientRect().bottom <= window.innerHeight"


@pytest.fixture
def telephone(page: Page) -> Page:
    page.set_viewport_size(TELEPHONE)  # type: ignore[arg-type]
    return page


def rail(page: Page) -> Locator:
    """The row of buttons that bring palette and dock."""
    return page.get_by_role("navigation", name="Panels")


def test_palette_and_dock_come_one_at_a_time_and_are_remembered(
    studio: Server, telephone: Page
) -> None:
    page, palette = telephone, telephone.locator(".pb-palette")
    put(studio, "telephone")
    edit(studio, page, "telephone")
    expect(rail(page)).to_be_visible()
    expect(dock(page)).to_have_count(0)
    expect(palette).to_have_count(0)
    page.wait_for_function(FITS)
    shoot(page, "telephone")
    nodes(page).first.locator(".pb-head").click()
    expect(page.locator(".react-flow__node.selected")).to_have_count(1)
    expect(dock(page)).to_have_count(0)  # it would lie over what was tapped
    rail(page).get_by_role("button", name="Palette", exact=True).click()
    expect(palette).to_be_visible()
    palette.get_by_role("button", name="Hide the palette", exact=True).click()
    expect(palette).to_have_count(0)
    rail(page).get_by_role("button", name="Palette", exact=True).click()
    expect(palette).to_be_visible()
    page.locator(".pb-canvas").focus()
    page.keyboard.press("i")
    expect(dock(page)).to_be_visible()
    page.wait_for_function(IN_VIEW, arg=dock(page).element_handle())  # below a header of two rows
    expect(palette).to_have_count(0)
    page.wait_for_function(FITS)
    page.reload()
    expect(dock(page)).to_be_visible()  # as it was left
    dock(page).get_by_role("button", name="Fold the dock", exact=True).click()
    expect(rail(page)).to_be_visible()
    page.reload()
    expect(rail(page)).to_be_visible()
    expect(dock(page)).to_have_count(0)
    page.set_viewport_size({"width": 1280, "height": 860})  # another size, another choice
    expect(palette).to_be_visible()
    nodes(page).first.locator(".pb-head").click()
    expect(front(page)).to_have_text(re.compile("^Node"))
    expect(palette).to_be_visible()
    page.set_viewport_size({"width": 1024, "height": 768})
    expect(palette).to_have_count(0)  # with the dock it would leave less than half
    expect(dock(page)).to_be_visible()


COVERED = """() => {
  const root = [...document.querySelectorAll("*")].map((e) => e.shadowRoot)
    .find((shadow) => shadow?.querySelector(".pb-host"));
  const boxes = (found) => [...root.querySelectorAll(found)].map((e) => e.getBoundingClientRect());
  const over = boxes(".pb-minimap, .pb-dock, .pb-palette, .pb-bar, .pb-legend");
  return boxes(".pb-node").filter((node) => over.some((box) => box.width &&
    node.left < box.right && box.left < node.right && node.top < box.bottom &&
    box.top < node.bottom)).length;
}"""
"""How many nodes something lies over."""


def test_in_a_small_window_the_tabs_stand_in_one_row_and_nothing_lies_over_the_nodes(
    studio: Server, page: Page
) -> None:
    page.set_viewport_size({"width": 1024, "height": 700})
    put(studio, "small")
    edit(studio, page, "small")
    tab(page, "Run")
    tabs = dock(page).get_by_role("tab")
    tops = tabs.evaluate_all("tabs => tabs.map((tab) => tab.getBoundingClientRect().top)")
    assert len(tops) > 3
    assert max(tops) - min(tops) < 2
    half = "(dock) => dock.getBoundingClientRect().left >= 512"  # the other is the canvas's
    page.wait_for_function(half, arg=dock(page).element_handle())
    shoot(page, "small-window")
    page.wait_for_function(f"() => ({COVERED})() === 0")


def test_no_page_sticks_out_sideways(studio: Server, telephone: Page) -> None:
    put(studio, "sideways")
    for name in ("Flows", "Runs", "Tables", "Experiments", "Inbox", "Models", "Settings"):
        telephone.goto(f"{studio.url}/{'' if name == 'Flows' else name.lower()}")
        main = telephone.get_by_test_id("stMainBlockContainer")
        expect(main.get_by_role("heading", name=name, exact=True)).to_be_visible()
        telephone.wait_for_function(FITS)
