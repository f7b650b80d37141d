"""The canvas's keys, from wherever a person is on the editor's page."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.browser.editor_page import edit, front, node, settings, tab
from tests.browser.flow_files import put
from tests.browser.harness import Server


def commands(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Commands")


def test_keys_work_at_once_and_from_the_docks(studio: Server, page: Page) -> None:
    put(studio, "keys")
    edit(studio, page, "keys")
    expect(page.locator(".pb-canvas")).to_be_focused()  # though nobody has clicked yet
    page.keyboard.press("Control+k")
    expect(commands(page)).to_be_visible()
    page.keyboard.press("Escape")
    expect(commands(page)).to_have_count(0)
    node(page, "prompt").locator(".pb-head").click()
    field = settings(page).get_by_role("textbox", name="Template")
    field.focus()
    before = field.input_value()
    page.keyboard.press("Control+k")
    expect(commands(page)).to_be_visible()
    page.keyboard.press("Escape")
    expect(commands(page)).to_have_count(0)
    field.focus()
    page.keyboard.press("i")  # what is typed into a field is the field's
    expect(field).not_to_have_value(before)
    tab(page, "Problems")
    page.keyboard.press("c")  # Streamlit's: clear caches
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("i")
    expect(front(page)).to_have_count(0)


def test_keys_work_where_nothing_has_the_focus(studio: Server, page: Page) -> None:
    put(studio, "keys-page")
    edit(studio, page, "keys-page")
    expect(page.locator(".pb-canvas")).to_be_focused()
    page.evaluate("document.activeElement.shadowRoot.activeElement.blur()")
    page.keyboard.press("Control+a")
    expect(page.locator(".react-flow__node.selected")).to_have_count(5)
    name = page.get_by_role("textbox", name="Name of the flow")
    name.click()
    page.keyboard.press("p")
    expect(page.locator(".pb-palette")).to_be_visible()  # it went into the name
    page.keyboard.press("Control+k")
    expect(commands(page)).to_be_visible()
