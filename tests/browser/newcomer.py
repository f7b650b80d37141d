"""A newcomer who reads nothing: from the first page to an answer of a flow of one's own."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.editor_page import finished, front, settings
from tests.browser.flow_files import wait_for
from tests.browser.harness import Server


def first_own_flow(server: Server, page: Page) -> list[str]:
    """Draw one on an empty canvas, from the Flows page on; the gestures that it took.

    A gesture is a click, or a field that is typed into. The flow is `untitled.json`.
    """
    gestures: list[str] = []
    steps = page.locator(".st-key-first-steps")
    steps.get_by_role("button", name="New canvas").click()
    gestures.append("New canvas")
    page.get_by_role("button", name="Start with these five").click()
    gestures.append("Start with these five")
    expect(page.locator(".pb-node")).to_have_count(5)
    prompt = page.locator(".react-flow__node").filter(has_text="Prompt template")
    prompt.locator(".pb-head").click()
    gestures.append("the prompt")
    template = settings(page).get_by_role("textbox", name="Template")
    template.fill("Answer in one word: {question}")
    gestures.append("its text")
    file = server.home / "flows" / "untitled.json"
    wait_for(page, lambda: "one word" in file.read_text("utf-8"))
    main = page.get_by_test_id("stMain")
    main.get_by_role("button", name="Run", exact=True).first.click()
    gestures.append("Run")
    expect(front(page)).to_have_text("Run")
    finished(page)
    return gestures
