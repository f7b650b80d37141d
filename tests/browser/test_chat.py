"""The chat beside the canvas."""

from __future__ import annotations

import json

from playwright.sync_api import Page, expect

from tests.browser.editor_page import edit, messages, say, side, tab
from tests.browser.flow_files import SAVED, long_story, put
from tests.browser.harness import Server


def test_chat_streams_and_keeps_its_history(studio: Server, page: Page) -> None:
    long_story(studio, "chat")
    edit(studio, page, "chat")
    tab(page, "Chat")
    say(page, "a lighthouse")
    answer = side(page).locator(".answer")
    expect(answer).not_to_be_empty()
    before = answer.inner_text()
    page.wait_for_function(
        "([old]) => { const host = [...document.querySelectorAll('.st-key-side *')]"
        ".map((e) => e.shadowRoot?.querySelector('.answer')).find(Boolean);"
        "return host && host.textContent.length > old.length }",
        arg=[before],
    )
    side(page).get_by_role("button", name="Stop").click()
    expect(side(page).get_by_text("Stopped.")).to_be_visible()
    expect(messages(page)).to_have_count(2)
    page.reload()
    tab(page, "Chat")
    asked = messages(page).first
    expect(asked.get_by_text("a lighthouse", exact=True)).to_be_visible()


def test_a_chat_sends_what_was_said_before_where_the_flow_takes_messages(
    studio: Server, page: Page
) -> None:
    flow = json.loads((SAVED / "chat.json").read_text("utf-8"))
    # What goes in comes out, so that the answer shows what the flow was given.
    flow["nodes"] = [item for item in flow["nodes"] if item["id"] in ("conversation", "answer")]
    flow["edges"] = [{"from": "conversation.value", "to": "answer.value"}]
    put(studio, "talk", flow)
    edit(studio, page, "talk")
    tab(page, "Chat")
    expect(side(page).get_by_text("sees the whole conversation")).to_be_visible()
    for number, words in enumerate(("My name is Ada.", "What is my name?"), 1):
        say(page, words)
        expect(messages(page)).to_have_count(2 * number)
        expect(side(page).locator(".answer")).to_have_count(0)
    last = messages(page).last
    expect(last.get_by_text("My name is Ada.").first).to_be_visible()
    expect(last.get_by_text("What is my name?", exact=True)).to_be_visible()
    put(studio, "forgets")
    edit(studio, page, "forgets")
    tab(page, "Chat")
    expect(side(page).get_by_text("sees each message alone")).to_be_visible()
