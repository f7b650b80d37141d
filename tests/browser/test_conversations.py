"""Conversations in the studio: kept, found, renamed, branched, made anew, deleted."""

from __future__ import annotations

import json
import re

from playwright.sync_api import Page, expect

from patchbay.flows.runs.history import History
from patchbay.flows.runs.threads import Threads
from tests.browser.editor_page import edit, icon, messages, popover, say, side, tab
from tests.browser.flow_files import SAVED, put, wait_for
from tests.browser.harness import Server


def talk(studio: Server, page: Page, name: str) -> None:
    """Open the chat of a flow that answers with what it was given."""
    flow = json.loads((SAVED / "chat.json").read_text("utf-8"))
    flow["nodes"] = [item for item in flow["nodes"] if item["id"] in ("conversation", "answer")]
    flow["edges"] = [{"from": "conversation.value", "to": "answer.value"}]
    put(studio, name, flow)
    edit(studio, page, name)
    tab(page, "Chat")


def turn(page: Page, text: str, count: int) -> None:
    """Say something and wait for the answer: so many messages are there then."""
    say(page, text)
    expect(messages(page)).to_have_count(count)
    acts = side(page).locator("[class*='st-key-chat-branch']")
    expect(acts).to_have_count(count // 2)  # it has ended


def last_run(studio: Server) -> str:
    """The run that gave the last answer of the only conversation there is."""
    threads = Threads(History(f"sqlite:///{studio.home / 'history.sqlite'}"))
    (thread,) = threads.listed(place=str(studio.home / "flows" / "keeps.json"))
    return threads.turns(thread.id)[-1].run


def test_a_conversation_is_kept_branched_found_renamed_and_deleted(
    studio: Server, page: Page
) -> None:
    talk(studio, page, "keeps")
    turn(page, "first words", 2)
    turn(page, "second words", 4)
    page.reload()
    tab(page, "Chat")
    expect(messages(page)).to_have_count(4)
    page.screenshot(path=studio.home / "conversation.png")
    before = last_run(studio)
    icon(page, "chat-again").click()
    wait_for(page, lambda: last_run(studio) != before)  # the page looks as it did
    expect(icon(page, "chat-again")).to_be_visible()
    expect(messages(page)).to_have_count(4)
    branch = side(page).locator("[class*='st-key-chat-branch']")
    expect(branch).to_have_count(2)
    branch.first.locator("button:visible").first.click()
    expect(messages(page)).to_have_count(2)
    expect(side(page).get_by_text("first words (branch)")).to_be_visible()
    side(page).get_by_test_id("stPopover").first.locator("button:visible").first.click()
    listed = page.locator(".st-key-chat-list [class*='st-key-chat-open']")
    expect(listed).to_have_count(2)
    page.screenshot(path=studio.home / "conversations.png")
    page.emulate_media(color_scheme="dark")
    page.screenshot(path=studio.home / "conversations-dark.png")
    page.emulate_media(color_scheme="light")
    searched = popover(page).get_by_placeholder("What was said")
    searched.fill("SECOND")
    searched.press("Enter")
    expect(listed).to_have_count(1)
    listed.locator("button:visible").first.click()
    expect(messages(page)).to_have_count(4)
    page.keyboard.press("Escape")
    side(page).get_by_test_id("stPopover").nth(1).locator("button:visible").first.click()
    title = popover(page).get_by_label("Title")
    expect(title).to_have_count(1)  # that of the other conversation has gone
    expect(title).to_have_value("first words")
    title.fill("A name of mine")
    title.press("Enter")
    expect(side(page).get_by_text("A name of mine")).to_be_visible()
    popover(page).get_by_text("Delete it with all its runs").click()
    popover(page).get_by_role("button", name="Delete", exact=True).click()
    expect(side(page).get_by_text("first words (branch)")).to_be_visible()
    expect(messages(page)).to_have_count(2)
    expect(page).to_have_url(re.compile("flow=keeps"))
