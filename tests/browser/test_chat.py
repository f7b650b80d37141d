"""The chat beside the canvas."""

from __future__ import annotations

import json
import re

from playwright.sync_api import Page, Route, expect

from tests.browser.editor_page import chat, chat_box, edit, ended, messages, say, shoot, tab
from tests.browser.flow_files import SAVED, long_story, put, wait_for
from tests.browser.harness import Server


def talk(studio: Server, page: Page, name: str, **about: str) -> None:
    """Open the chat of a flow that answers with what it was given."""
    flow = json.loads((SAVED / "chat.json").read_text("utf-8")) | about
    flow["nodes"] = [item for item in flow["nodes"] if item["id"] in ("conversation", "answer")]
    flow["edges"] = [{"from": "conversation.value", "to": "answer.value"}]
    put(studio, name, flow)
    edit(studio, page, name)
    tab(page, "Chat")


def test_chat_streams_and_keeps_its_history(studio: Server, page: Page) -> None:
    long_story(studio, "chat")
    edit(studio, page, "chat")
    tab(page, "Chat")
    say(page, "a lighthouse")
    answer = chat(page).locator(".answer .text")
    expect(answer).to_have_text(re.compile(r"\w+\W+\w+"))
    before = answer.inner_text()
    expect(answer).not_to_have_text(before)  # it goes on
    tab(page, "Run")  # and does so while another tab is in front
    tab(page, "Chat")
    shoot(page, "chat-streams")
    chat(page).get_by_role("button", name="Stop", exact=True).click()
    expect(chat(page).get_by_text("Stopped.", exact=True)).to_be_visible()
    expect(messages(page)).to_have_count(2)
    page.reload()
    tab(page, "Chat")
    expect(messages(page).first).to_have_text("a lighthouse")
    expect(chat(page).get_by_text("Stopped.", exact=True)).to_be_visible()


def test_a_chat_sends_what_was_said_before_where_the_flow_takes_messages(
    studio: Server, page: Page
) -> None:
    talk(studio, page, "talk")
    expect(chat(page).get_by_text("sees the whole conversation")).to_be_visible()
    for number, words in enumerate(("My name is Ada.", "What is my name?"), 1):
        say(page, words)
        ended(page, number)
        expect(messages(page)).to_have_count(2 * number)
    last = messages(page).last
    expect(last.get_by_text("My name is Ada.").first).to_be_visible()
    expect(last.get_by_text("What is my name?", exact=True)).to_be_visible()
    put(studio, "forgets")
    edit(studio, page, "forgets")
    tab(page, "Chat")
    expect(chat(page).get_by_text("sees each message alone")).to_be_visible()


def test_what_is_typed_outlives_another_tab_and_a_reload(studio: Server, page: Page) -> None:
    talk(studio, page, "drafts")
    chat_box(page).fill("half a thou")
    tab(page, "Node")
    tab(page, "Chat")
    expect(chat_box(page)).to_have_value("half a thou")
    page.reload()
    tab(page, "Chat")
    expect(chat_box(page)).to_have_value("half a thou")


def test_what_is_sent_before_the_flow_is_known_waits_for_it(studio: Server, page: Page) -> None:
    talk(studio, page, "early")
    held: list[Route] = []
    open_ = False

    def asked(route: Route) -> None:
        if open_:
            route.continue_()
        else:
            held.append(route)

    page.route("**/chat/flows/*?doc=*", asked)
    page.reload()
    tab(page, "Chat")
    wait_for(page, lambda: bool(held))
    for _ in range(2):  # as one does who sees nothing happen
        say(page, "Are you there?")
    open_ = True  # before the first goes on: one that came in between would be held for ever
    for one in held:
        one.continue_()
    ended(page, 1)
    expect(messages(page)).to_have_count(2)
    expect(chat_box(page)).to_have_value("")


def test_what_is_stopped_before_it_has_begun_stops(studio: Server, page: Page) -> None:
    long_story(studio, "hasty")
    edit(studio, page, "hasty")
    tab(page, "Chat")
    held: list[Route] = []
    page.route("**/chat/flows/*/run?*", lambda route: held.append(route))
    say(page, "a lighthouse in a storm")
    wait_for(page, lambda: bool(held))
    chat(page).get_by_role("button", name="Stop", exact=True).click()
    held[0].continue_()
    expect(chat(page).get_by_text("Stopped.", exact=True)).to_be_visible()
    expect(messages(page)).to_have_count(2)


def test_the_chat_fits_a_telephone_in_both_themes(studio: Server, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 780})
    talk(studio, page, "narrow")
    say(page, "A line with a_very_long_word_that_is_not_broken_by_anything_in_it_at_all_or_is_it")
    ended(page, 1)
    shoot(page, "chat-390")
    box = chat(page).bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    inner = chat(page).locator(".talk").evaluate("e => e.scrollWidth - e.clientWidth")
    assert inner == 0
