"""Conversations in the studio: kept, found, renamed, branched, made anew, deleted."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from playwright.sync_api import Page, expect

from tests.browser.editor_page import side, tab
from tests.browser.test_studio import SAVED, edit_any, page, put, studio

if TYPE_CHECKING:
    from tests.browser.conftest import Server

__all__ = ["page", "studio"]  # fixtures
SLOW = 60_000


def talk(studio: Server, page: Page, name: str) -> None:
    """Open the chat of a flow that answers with what it was given."""
    flow = json.loads((SAVED / "chat.json").read_text("utf-8"))
    flow["nodes"] = [item for item in flow["nodes"] if item["id"] in ("conversation", "answer")]
    flow["edges"] = [{"from": "conversation.value", "to": "answer.value"}]
    put(studio, name, flow)
    edit_any(studio, page, name)
    tab(page, "Chat")


def say(page: Page, text: str, messages: int) -> None:
    box = page.get_by_test_id("stChatInputTextArea")
    box.fill(text)
    page.keyboard.press("Enter")
    expect(side(page).get_by_test_id("stChatMessage")).to_have_count(messages, timeout=SLOW)
    acts = side(page).locator("[class*='st-key-chat-branch']")
    expect(acts).to_have_count(messages // 2, timeout=SLOW)  # it has ended


def test_a_conversation_is_kept_branched_found_renamed_and_deleted(
    studio: Server, page: Page
) -> None:
    talk(studio, page, "keeps")
    say(page, "first words", 2)
    say(page, "second words", 4)
    page.reload()
    tab(page, "Chat")
    messages = side(page).get_by_test_id("stChatMessage")
    expect(messages).to_have_count(4, timeout=SLOW)
    page.screenshot(path=studio.home / "conversation.png")
    side(page).locator(".st-key-chat-again button:visible").first.click()
    expect(messages).to_have_count(4, timeout=SLOW)
    expect(side(page).locator("[class*='st-key-chat-branch']")).to_have_count(2, timeout=SLOW)
    side(page).locator(
        ".st-key-chat-branch\\:1 button, [class*='st-key-chat-branch-1'] button"
    ).first.click()
    expect(messages).to_have_count(2, timeout=SLOW)
    expect(side(page).get_by_text("first words (branch)")).to_be_visible()
    side(page).get_by_test_id("stPopover").first.locator("button:visible").first.click()
    listed = page.locator(".st-key-chat-list [class*='st-key-chat-open']")
    expect(listed).to_have_count(2)
    page.screenshot(path=studio.home / "conversations.png")
    page.emulate_media(color_scheme="dark")
    page.screenshot(path=studio.home / "conversations-dark.png")
    page.emulate_media(color_scheme="light")
    page.get_by_placeholder("What was said").fill("SECOND")
    page.keyboard.press("Enter")
    expect(listed).to_have_count(1)
    listed.locator("button:visible").first.click()
    expect(messages).to_have_count(4, timeout=SLOW)
    page.keyboard.press("Escape")
    side(page).get_by_test_id("stPopover").nth(1).locator("button:visible").first.click()
    title = page.get_by_label("Title")
    title.fill("A name of mine")
    page.keyboard.press("Enter")
    expect(side(page).get_by_text("A name of mine")).to_be_visible(timeout=SLOW)
    page.get_by_text("Delete it with all its runs").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(side(page).get_by_text("first words (branch)")).to_be_visible(timeout=SLOW)
    expect(messages).to_have_count(2)
    expect(page).to_have_url(re.compile("flow=keeps"))
