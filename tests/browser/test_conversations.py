"""Conversations in the studio: kept, found, renamed, branched, made anew, deleted."""

from __future__ import annotations

import json
import re

from playwright.sync_api import Page, expect

from patchbay.flows.runs.history import History
from patchbay.flows.runs.threads import Threads
from tests.browser.editor_page import chat, edit, ended, messages, say, shoot, tab
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
    ended(page, count // 2)
    expect(messages(page)).to_have_count(count)


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
    shoot(page, "conversation")
    talked = chat(page)
    before = last_run(studio)
    again = talked.get_by_role("button", name="Make this answer anew")
    again.click()
    wait_for(page, lambda: last_run(studio) != before)  # the page looks as it did
    ended(page, 2)
    expect(again).to_be_visible()
    expect(messages(page)).to_have_count(4)
    talked.get_by_role("button", name="Go on from here in a new chat").first.click()
    expect(talked.locator(".bar .name")).to_have_text("first words (branch)")
    ended(page, 1)
    expect(messages(page)).to_have_count(2)
    talked.get_by_role("button", name="Conversations", exact=True).click()
    others = talked.get_by_role("dialog", name="Conversations", exact=True)
    listed = others.locator(".line")
    expect(listed).to_have_count(2)
    shoot(page, "conversations")
    others.get_by_role("searchbox").fill("SECOND")
    expect(listed).to_have_count(1)
    listed.click()
    expect(others).to_be_hidden()
    ended(page, 2)
    talked.get_by_role("button", name="This conversation", exact=True).click()
    this = talked.get_by_role("dialog", name="This conversation")
    title = this.get_by_label("Title")
    expect(title).to_have_value("first words")
    title.fill("A name of mine")
    title.press("Enter")
    expect(talked.locator(".bar .name")).to_have_text("A name of mine")
    with page.expect_download() as got:
        this.get_by_role("button", name="Export").click()
    assert got.value.suggested_filename == "a-name-of-mine.md"
    remove = this.get_by_role("button", name="Delete", exact=True)
    expect(remove).to_be_disabled()
    this.get_by_label("Delete it with all its runs").check()
    remove.click()
    expect(talked.locator(".bar .name")).to_have_text("first words (branch)")
    ended(page, 1)
    expect(messages(page)).to_have_count(2)
    expect(page).to_have_url(re.compile("flow=keeps"))
