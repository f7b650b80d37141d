"""The studio as a whole: by keyboard alone, in light and dark, against strangers."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from patchbay.nodes.weights.manifest import DEFAULT
from patchbay.nodes.weights.resolve import resolve
from tests.browser.editor_page import (
    chat_box,
    drawn,
    edit,
    ended,
    finished,
    messages,
    node,
    open_latest_run,
    run,
    settings,
    still,
    tab,
)
from tests.browser.flow_files import put
from tests.browser.harness import Server, another, let_in


def test_by_keyboard_alone_from_an_empty_flow_to_an_answer(studio: Server, page: Page) -> None:
    put(studio, "keys", {"format": 1, "name": "Keys", "nodes": [], "edges": []})
    page.goto(f"{studio.url}/editor?flow=keys")
    expect(page.get_by_text("Draw your first flow")).to_be_visible()
    drawn(page)
    tab_to(page, page.get_by_role("textbox", name="Search nodes"))
    page.keyboard.type("flow input")
    page.keyboard.press("Enter")
    expect(page.locator(".pb-node")).to_have_count(1)
    page.keyboard.press("n")
    page.keyboard.type("flow output")
    page.keyboard.press("Enter")
    expect(page.locator(".pb-node")).to_have_count(2)
    expect(page.locator(".react-flow__edge")).to_have_count(1)  # to what was selected
    page.keyboard.press("Control+Enter")
    box = chat_box(page)
    expect(box).to_be_visible()
    tab_to(page, box)
    page.keyboard.type("Nothing but keys")
    page.keyboard.press("Enter")
    ended(page, 1)
    expect(messages(page)).to_have_text(["Nothing but keys", re.compile("Nothing but keys")])


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until something has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if wanted.evaluate("e => e === e.getRootNode().activeElement"):
            return
    raise AssertionError("Tab never leads there")


def test_streamlits_own_stop_is_out_of_sight(studio: Server, page: Page) -> None:
    """It shows while a page takes long to draw: one is put where Streamlit puts it."""
    page.goto(f"{studio.url}/runs")
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()
    drawn(page)
    page.get_by_test_id("stHeader").evaluate(
        """header => header.insertAdjacentHTML("beforeend", `<div data-testid="stStatusWidget">
           <button data-testid="stBaseButton-header">Stop</button></div>`)"""
    )
    expect(page.get_by_text("Stop", exact=True)).to_have_count(1)
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)


HOSTILE = (
    '<img src="http://stranger.test/x.png" onerror="window.pwned=1"><script>window.pwned=1</script>'
)


MARKDOWN = "![x](http://stranger.test/y.png) [link](javascript:window.pwned=1) **bold** " + HOSTILE


def test_nothing_in_a_flow_runs_script_or_asks_a_stranger(studio: Server, page: Page) -> None:
    flow = {
        "format": 1,
        "name": f"Evil {HOSTILE}"[:300],
        "description": MARKDOWN,
        "nodes": [
            {"id": "ask", "kind": "io.input", "version": 1, "title": HOSTILE[:300],
             "params": {"name": "question", "default": MARKDOWN, "description": MARKDOWN}},
            {"id": "answer", "kind": "io.output", "params": {"description": MARKDOWN}},
            {"id": "odd", "kind": f"evil{HOSTILE}"[:100], "version": 1},
        ],
        "edges": [{"from": "ask.value", "to": "answer.value"}],
        "notes": [{"id": "note", "text": MARKDOWN}],
        "groups": [{"id": "group", "title": HOSTILE[:300], "nodes": ["ask"]}],
    }  # fmt: skip
    put(studio, "evil", flow)
    edit(studio, page, "evil")
    still(page)
    node(page, "odd").click(force=True)
    expect(settings(page).get_by_text("There is no kind")).to_be_visible()
    for name in ("Values", "Problems", "Run", "Chat"):
        tab(page, name)
    without_odd = {**flow, "nodes": flow["nodes"][:2]}
    put(studio, "evil-runs", without_odd)
    edit(studio, page, "evil-runs")
    run(page)
    finished(page)
    still(page)
    node(page, "ask").click(force=True)
    tab(page, "Node")
    open_latest_run(studio, page)
    expect(page.get_by_text("patchbay run")).to_be_visible()
    page.goto(studio.url)
    expect(page.get_by_text("Evil").first).to_be_visible()
    assert page.evaluate("window.pwned") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_follow_the_system(studio: Server, browser: Browser, scheme: Any) -> None:
    context = another(browser, color_scheme=scheme, viewport={"width": 1280, "height": 800})
    page = let_in(context).new_page()
    put(studio, "theme")
    edit(studio, page, "theme")
    drawn(page)
    color = page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    light = sum(map(int, re.findall(r"\d+", color)[:3])) > 380
    assert light == (scheme == "light")
    # Nothing may stick out at 1280 pixels.
    page.wait_for_function("document.documentElement.scrollWidth <= window.innerWidth")
    context.close()


def test_the_models_page_knows_what_is_here_and_says_what_cannot_be_had(
    studio: Server, page: Page
) -> None:
    with ThreadPoolExecutor() as thread:  # it may not run where an event loop does
        thread.submit(resolve, DEFAULT).result()
    page.goto(f"{studio.url}/models")
    expect(page.get_by_text(DEFAULT, exact=True).first).to_be_visible()
    expect(page.get_by_text("on this machine", exact=True).first).to_be_visible()
    drawn(page)  # the last of the buttons is there
    box = page.get_by_role("textbox", name="Reference")
    box.fill("no such weights")
    page.get_by_role("button", name="Fetch", exact=True).last.click()
    expect(page.get_by_test_id("stAlert")).to_contain_text("no such weights")
