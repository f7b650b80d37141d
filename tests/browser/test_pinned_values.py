"""Pinned values: of the last run, or typed by hand, for one run or until they are let go."""

from __future__ import annotations

import json

from playwright.sync_api import Locator, Page, expect

from tests.browser.editor_page import dock, edit, finished, node, run, shoot, side, tab, toolbar
from tests.browser.flow_files import put, two_steps
from tests.browser.harness import Server


def test_a_value_is_pinned_changed_by_hand_and_let_go(studio: Server, page: Page) -> None:
    path = put(studio, "pins", two_steps())
    edit(studio, page, "pins", "prompt")
    prompt = node(page, "prompt")
    prompt.locator(".pb-head").click(button="right")
    page.get_by_role("menuitem", name="Pin its value").click()
    expect(page.get_by_text("gave nothing in the last run")).to_be_visible()

    run(page)
    finished(page)
    prompt.locator(".pb-head").click()
    tab(page, "Node")
    dock(page).get_by_role("button", name="Pin what it gave").click()
    expect(prompt.locator(".pb-chip.pinned")).to_have_text("pinned")
    expect(dock(page).locator(".pb-pinned")).to_contain_text("Say Hello")
    shoot(page, "pins-pinned")

    dock(page).get_by_role("button", name="Change it…").click()
    large = page.get_by_role("dialog", name="Value of Prompt template")
    expect(large.get_by_role("textbox")).to_have_value("Say Hello")
    large.get_by_role("textbox").fill("Good night")
    shoot(page, "pins-by-hand")
    large.get_by_role("button", name="Pin it").click()
    expect(large).to_have_count(0)
    expect(prompt.locator(".pb-chip.pinned")).to_have_text("set by hand")

    page.reload()
    expect(prompt.locator(".pb-chip.pinned")).to_have_text("set by hand")
    tab(page, "Run")
    expect(side(page).get_by_text('Pinned, not run: "Prompt template"')).to_be_visible()
    run(page)
    expect(finished(page).get_by_text("Good night").first).to_be_visible()
    expect(prompt.locator(".pb-facts")).to_contain_text("pinned, not run")
    shoot(page, "pins-run")

    page.get_by_role("button", name="1 pinned").click()
    expect(prompt.locator(".pb-chip.pinned")).to_have_count(0)
    assert "pin" not in json.dumps(json.loads(path.read_text("utf-8"))["nodes"])


def test_a_refused_wish_leaves_the_value_open_with_the_words(studio: Server, page: Page) -> None:
    """The folder of pins cannot be written: pinning, and letting go, say so and lose nothing."""
    put(studio, "pins-refused", two_steps())
    edit(studio, page, "pins-refused", "prompt")
    prompt = node(page, "prompt")

    def opened() -> Locator:
        prompt.locator(".pb-head").click(button="right")
        page.get_by_role("menuitem", name="Give it a value").click()
        return page.get_by_role("dialog", name="Value of Prompt template")

    large = opened()
    large.get_by_role("textbox").fill("Kept")
    large.get_by_role("button", name="Pin it").click()
    expect(prompt.locator(".pb-chip.pinned")).to_have_text("set by hand")

    refuse = json.dumps({"pins": {"turn": 9, "nodes": {}}, "message": "The disk is full."})
    page.route("**/pins?**", lambda route: route.fulfill(body=refuse))
    large = opened()
    for press in ("Let it run again", "Pin it", "For the next run only"):
        large.get_by_role("button", name=press).click()
        expect(large.get_by_role("alert")).to_have_text("The disk is full.")
        expect(large.get_by_role("textbox")).to_have_value("Kept")
        large.get_by_role("textbox").fill("Kept, ")
        expect(large.get_by_role("alert")).to_have_count(0)
        large.get_by_role("textbox").fill("Kept")


def test_a_value_for_the_next_run_only(studio: Server, page: Page) -> None:
    put(studio, "pins-once", two_steps())
    edit(studio, page, "pins-once", "prompt")
    prompt = node(page, "prompt")
    prompt.locator(".pb-head").click(button="right")
    page.get_by_role("menuitem", name="Give it a value").click()
    large = page.get_by_role("dialog", name="Value of Prompt template")
    large.get_by_role("textbox").fill("Just once")
    large.get_by_role("button", name="For the next run only").click()
    expect(prompt.locator(".pb-chip.pinned")).to_have_text("for one run")
    run(page)
    expect(finished(page).get_by_text("Just once").first).to_be_visible()
    expect(prompt.locator(".pb-chip.pinned")).to_have_count(0)
    expect(toolbar(page, "Run")).to_be_visible()
