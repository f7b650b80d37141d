"""What is photographed: twelve screens, each opened as a person would."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from tests.browser.editor_page import (
    chat,
    chat_box,
    dock,
    edit,
    ended,
    finished,
    icon,
    messages,
    node,
    run,
    say,
    settings,
    side,
    tab,
    templates,
)
from tests.browser.harness import Server

_DRAWN = re.compile("/patchbay/pictures/[0-9a-f]+$")
RUN_MS = 900_000
"""Milliseconds that a run may take; a busy machine takes its time."""


@dataclass(frozen=True, slots=True)
class Screen:
    """A screen: its file's name, what it shows, and how one gets there."""

    name: str
    shows: str
    open: Callable[[Server, Page], None]
    canvas: bool = False
    """Whether a telephone is to show the canvas, not the dock over it."""


def run_once(studio: Server, page: Page, flow: str) -> None:
    """Run a flow to its end, once for all pictures of it."""
    edit(studio, page, flow)
    run(page)
    side(page).get_by_text("Finished").first.wait_for(timeout=RUN_MS)


def _flows(studio: Server, page: Page) -> None:
    page.goto(studio.url)
    expect(templates(page).first).to_be_visible()
    expect(page.locator(".card img").first).to_have_attribute("src", _DRAWN)


def _search(studio: Server, page: Page) -> None:
    _flows(studio, page)
    page.get_by_role("searchbox", name="Search").fill("rag")
    expect(templates(page).filter(has_text="Ask a question")).to_have_count(0)


def _editor(studio: Server, page: Page) -> None:
    edit(studio, page, "few_shot", "prompt")
    node(page, "prompt").locator(".pb-head").click()
    expect(settings(page)).to_be_visible()


def _ran(flow: str) -> Callable[[Server, Page], None]:
    def shown(studio: Server, page: Page) -> None:
        edit(studio, page, flow)
        tab(page, "Run")
        finished(page)

    return shown


def _chat(studio: Server, page: Page) -> None:
    edit(studio, page, "ask", "answer")
    tab(page, "Chat")
    expect(chat_box(page)).to_be_enabled()
    expect(chat(page).get_by_text("Loading…")).to_have_count(0)
    if not messages(page).count():
        say(page, "What is a lighthouse for?")
    expect(chat(page).locator(".answer .text")).to_have_text(re.compile(r"\w"), timeout=RUN_MS)
    ended(page, 1)


def _empty(studio: Server, page: Page) -> None:
    page.goto(f"{studio.url}/editor?flow=empty")
    expect(page.get_by_role("button", name="Start with these five")).to_be_visible()


def _problems(studio: Server, page: Page) -> None:
    edit(studio, page, "unfinished", "ask")
    tab(page, "Problems")
    expect(dock(page).get_by_role("listitem").first).to_be_visible()


def _documents(studio: Server, page: Page) -> None:
    edit(studio, page, "ask_folder", "load")
    node(page, "load").locator(".pb-head").click()
    page.get_by_role("button", name="See the documents").click()
    expect(page.get_by_text("bees.md").first).to_be_visible()
    expect(page.get_by_test_id("stDataFrame").locator("canvas").first).to_be_visible()


def _runs(studio: Server, page: Page) -> None:
    page.goto(f"{studio.url}/runs")
    expect(page.get_by_role("button", name="Open", exact=True).first).to_be_visible()


def _versions(studio: Server, page: Page) -> None:
    edit(studio, page, "chat")
    icon(page, "versions").click()
    expect(page.get_by_role("dialog").get_by_role("img").first).to_be_visible()


def _models(studio: Server, page: Page) -> None:
    page.goto(f"{studio.url}/models")
    page.get_by_role("radiogroup", name="Where").get_by_role("radio", name="Catalogue").click()
    expect(page.get_by_text("Qwen3 4B", exact=True)).to_be_visible()


SCREENS = (
    Screen("flows", "Your flows and the templates", _flows),
    Screen("search", "A search that knows synonyms", _search),
    Screen("editor", "The editor, with the settings of a node", _editor, canvas=True),
    Screen("empty", "An empty canvas", _empty, canvas=True),
    Screen("problems", "What is still to do, with buttons that do it", _problems),
    Screen("chat", "A chat with a flow", _chat),
    Screen("crew", "A crew: who calls which tool, gets what back, answers", _ran("research_crew")),
    Screen("techniques", "Techniques compared, with 95 % intervals", _ran("compare_techniques")),
    Screen("documents", "How documents were read, cut and found", _documents),
    Screen("runs", "What was run", _runs),
    Screen("versions", "The versions of a flow", _versions),
    Screen("models", "Models that one can choose", _models),
)  # fmt: skip
