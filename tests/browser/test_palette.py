"""The palette of kinds beside the canvas."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.canvas_page import CanvasPage
from tests.browser.harness import Server


def test_families_fold_and_are_still_folded_after_a_reload(canvas: CanvasPage):
    canvas.family("Prompts").click()
    expect(canvas.kind("Prompt template")).to_have_count(0)
    expect(canvas.kind("Flow input")).to_be_visible()
    canvas.page.reload()
    expect(canvas.kind("Flow input")).to_be_visible()
    expect(canvas.kind("Prompt template")).to_have_count(0)
    canvas.page.get_by_role("textbox", name="Search nodes").fill("template")
    expect(canvas.kind("Prompt template")).to_be_visible()  # a search looks into what is folded
    canvas.page.keyboard.press("Escape")
    canvas.page.get_by_role("button", name="Fold all families").click()
    expect(canvas.page.locator(".pb-item")).to_have_count(0)
    canvas.page.get_by_role("button", name="Unfold all families").click()
    expect(canvas.kind("Prompt template")).to_be_visible()


def test_a_kind_whose_package_is_missing_says_what_to_install(bare: Server, empty_page: Page):
    canvas = CanvasPage(empty_page, bare, "missing", "&missing=1")
    item = canvas.kind("Needs more")
    item.scroll_into_view_if_needed()
    expect(item).to_have_attribute("aria-disabled", "true")
    expect(item).to_contain_text("pip install no-such-package-here")
    canvas.drag(canvas.middle(item), canvas.at(300, 200))
    item.dblclick(force=True)
    canvas.drop("Flow input", 300, 200)
    expect(canvas.nodes()).to_have_count(1)
    canvas.pan_free_spot()
    canvas.press("n")
    canvas.page.keyboard.type("needs more")
    expect(canvas.page.get_by_text("Nothing matches.")).to_be_visible()
