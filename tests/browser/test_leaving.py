"""Leaving the editor in the midst of an edit."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.editor_page import drawn, edit, icon, nodes
from tests.browser.flow_files import put
from tests.browser.harness import Server

LEAVE = """([press, moved, where]) => {
    press.click();
    const key = { key: where, code: where, bubbles: true, composed: true };
    const move = () => moved.dispatchEvent(new KeyboardEvent("keydown", key));
    for (const at of [0, 20, 40]) setTimeout(move, at);
}"""


def test_the_page_that_it_is_left_for_is_drawn(studio: Server, page: Page) -> None:
    put(studio, "left")
    main = page.get_by_test_id("stMainBlockContainer")
    # The edit arrives before the new page is drawn in some of them.
    for where in ("ArrowDown", "ArrowUp") * 3:
        edit(studio, page, "left")
        nodes(page).first.locator(".pb-head").click()
        expect(page.get_by_text("Saved", exact=True)).to_be_visible()
        moved = page.locator(".react-flow__node.selected")
        expect(moved).to_have_count(1)
        drawn(page)  # what is pressed below is not replaced before
        press = icon(page, "variants").element_handle()
        page.evaluate(LEAVE, [press, moved.element_handle(), where])
        expect(page).to_have_url(re.compile(r"/experiments\?flow="))
        expect(main.get_by_text("The grid will show here")).to_be_visible()
