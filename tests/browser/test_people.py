"""Questions in the studio as a person meets them: on the node, in the panel, in the inbox."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from playwright.sync_api import Error as PlaywrightError

from patchbay.flows.runs.address import VARIABLE
from patchbay.flows.runs.answers import find, give
from patchbay.flows.runs.history import History
from patchbay.flows.runs.threads import Threads
from tests.browser.editor_page import (
    chat,
    edit,
    ended,
    messages,
    node,
    say,
    shoot,
    side,
    tab,
    toolbar,
)
from tests.browser.harness import ROOT, SLOW, Server, another, heard, let_in, serve
from tests.stores import SERVER, url_of

MAIL = {
    "format": 1,
    "name": "Mail",
    "nodes": [
        {"id": "text", "kind": "io.input", "params": {"name": "text", "default": "Dear Ada\nBye"}},
        {"id": "edit", "kind": "people.edit", "params": {"question": "Is it right?"}},
        {
            "id": "approve",
            "kind": "people.approve",
            "params": {"question": "Send it?", "whom": "the editor"},
        },
        {"id": "sent", "kind": "io.output", "params": {"name": "sent"}},
    ],
    "edges": [
        {"from": "text.value", "to": "edit.value"},
        {"from": "edit.value", "to": "approve.value"},
        {"from": "approve.approved", "to": "sent.value"},
    ],
    "layout": {
        "text": {"x": 0, "y": 0}, "edit": {"x": 300, "y": 0}, "approve": {"x": 600, "y": 0},
        "sent": {"x": 900, "y": 0},
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    (folder / "flows").mkdir()
    return folder


@pytest.fixture
def page(empty_page: Page) -> Iterator[Page]:
    errors: list[str] = []

    def wrong(error: PlaywrightError) -> None:
        errors.append(str(error))

    with heard(empty_page, pageerror=wrong):
        yield empty_page
    assert errors == []


def opened(home: Path) -> AbstractContextManager[Server]:
    """The studio over this home; its history is where the tests of histories have theirs."""
    kept = {VARIABLE: url_of(home / "history.sqlite")} if SERVER else {}
    return serve(ROOT / "studio" / "app.py", home, env=kept)


def put(home: Path, name: str, flow: dict[str, Any]) -> None:
    (home / "flows" / f"{name}.json").write_text(json.dumps(flow), encoding="utf-8")


def run(page: Page, studio: Server, name: str) -> None:
    edit(studio, page, name, "sent")
    toolbar(page, "Run").click()


def test_a_run_waits_survives_a_restart_and_is_answered(
    home: Path, page: Page, browser: Browser
) -> None:
    put(home, "mail", MAIL)
    with opened(home) as studio:
        run(page, studio, "mail")
        expect(side(page).get_by_text("Waits for an answer").first).to_be_visible()
        expect(node(page, "edit")).to_contain_text("Is it right?")
        area = side(page).get_by_role("textbox", name="The value")
        expect(area).to_have_value("Dear Ada\nBye")
        area.fill("Dear Grace\nBye")
        area.press("Control+Enter")
        expect(side(page).get_by_text("+Dear Grace")).to_be_visible()
        expect(side(page).get_by_text("-Dear Ada")).to_be_visible()
        shoot(page, "edit")
        side(page).get_by_role("button", name="Answer", exact=True).click()
        expect(side(page).get_by_text("Send it?").first).to_be_visible()
        expect(node(page, "approve")).to_contain_text("Send it?")
        shoot(page, "approve")
    with opened(home) as studio:  # the studio was started anew
        page.goto(f"{studio.url}/inbox")
        expect(page.get_by_text("Send it?")).to_be_visible()
        expect(page.get_by_text("for the editor")).to_be_visible()
        expect(page.get_by_text("Dear Grace").first).to_be_visible()
        expect(page.get_by_role("link", name="Inbox (1)")).to_be_visible()
        shoot(page, "inbox")
        page.get_by_role("textbox", name="Comment").fill("Well said")
        page.get_by_role("button", name="Approve").click()
        expect(page.get_by_text("Nobody is asked anything.")).to_be_visible()
        expect(page.get_by_role("link", name="Inbox", exact=True)).to_be_visible()
        shoot(page, "inbox-empty")
        page.goto(f"{studio.url}/runs")
        expect(page.get_by_text("Finished").first).to_be_visible()


# --- a conversation's turn that asks --------------------------------------------------------------

TALK = {
    "format": 1,
    "name": "Talk",
    "nodes": [
        {"id": "said", "kind": "io.input", "params": {"name": "said"}},
        {"id": "may", "kind": "people.approve", "params": {"question": "May this be said?"}},
        {"id": "sent", "kind": "io.output", "params": {"name": "answer"}},
    ],
    "edges": [
        {"from": "said.value", "to": "may.value"},
        {"from": "may.approved", "to": "sent.value"},
    ],
    "layout": {"said": {"x": 0, "y": 0}, "may": {"x": 300, "y": 0}, "sent": {"x": 600, "y": 0}},
}


def open_chat(page: Page, studio: Server, name: str) -> None:
    edit(studio, page, name, "sent")
    tab(page, "Chat")


def late(route: Route, home: Path) -> None:
    """Let the page hear that its answer was taken when the run has ended already."""
    answer = route.fetch(timeout=SLOW)
    history = History(f"sqlite:///{home / 'history.sqlite'}")
    while not any(thread.turns for thread in Threads(history).listed()):
        time.sleep(0.05)
    history.close()
    route.fulfill(response=answer)


def test_a_turn_that_asks_is_answered_in_the_chat_whatever_happens_meanwhile(
    home: Path, page: Page
) -> None:
    put(home, "talk", TALK)
    approve = chat(page).get_by_role("button", name="Approve")
    again = chat(page).get_by_role("button", name="Make this answer anew")
    with opened(home) as studio:
        open_chat(page, studio, "talk")
        say(page, "first words")
        expect(approve).to_be_visible()
        shoot(page, "chat-question")
        expect(page.get_by_placeholder("It waits for your answer above")).to_be_disabled()
        page.route("**/patchbay/chat/runs/*/answer?*", lambda route: late(route, home))
        approve.click()
        ended(page, 1)
        page.unroute("**/patchbay/chat/runs/*/answer?*")
        expect(messages(page).nth(1)).to_contain_text("first words")
        again.click()  # made anew, it asks anew
        expect(approve).to_be_visible()
        page.reload()  # it waits on
        tab(page, "Chat")
        expect(approve).to_be_visible()
        approve.click()
        ended(page, 1)
        expect(messages(page)).to_have_count(2)
        expect(again).to_be_visible()
        say(page, "second words")
        expect(approve).to_be_visible()
        expect(again).to_have_count(0)
    with opened(home) as studio:  # the studio was started anew
        open_chat(page, studio, "talk")
        expect(approve).to_be_visible()
        expect(messages(page)).to_have_count(4)
        expect(messages(page).nth(2)).to_contain_text("second words")
        shoot(page, "chat-question-later")
        branches = chat(page).get_by_role("button", name="Go on from here in a new chat")
        branches.first.click()  # a branch does not wait
        expect(messages(page)).to_have_count(2)
        expect(approve).to_have_count(0)
        expect(page.get_by_placeholder("Message", exact=True)).to_be_enabled()
        chat(page).get_by_role("button", name="Conversations", exact=True).click()
        chat(page).locator(".list").get_by_role("button", name="first words", exact=True).click()
        expect(approve).to_be_visible()
        approve.click()
        ended(page, 2)
        expect(messages(page).nth(3)).to_contain_text("second words")
        expect(approve).to_have_count(0)


# --- without a restart ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def studio(home: Path) -> Iterator[Server]:
    """One studio for the tests below; none of those above runs on the same home by then."""
    with serve(ROOT / "studio" / "app.py", home) as server:
        yield server


def test_of_two_who_answer_one_wins_and_the_other_is_told(
    home: Path, studio: Server, page: Page, browser: Browser
) -> None:
    """A tab, and the terminal, which answers from a process of its own."""
    put(home, "mail2", {**MAIL, "name": "Mail two"})
    run(page, studio, "mail2")
    expect(side(page).get_by_text("Waits for an answer").first).to_be_visible()
    expect(side(page).get_by_role("textbox", name="The value")).to_be_visible()
    history = History(f"sqlite:///{home / 'history.sqlite'}")
    (asked,) = (one for one in history.inbox.open() if one.flow == "Mail two")
    counted = page.get_by_role("link", name=re.compile(r"^Inbox \(\d+\)$"))
    expect(counted).to_be_visible()  # the page was not drawn anew for it
    assert give(history, find(history, asked.run), "Dear Bob", author="Bob")
    side(page).get_by_role("button", name="Take it as it is").click()
    told = re.compile(r"answered already, by Bob on .*Dear Bob")
    expect(side(page).get_by_text("Goes on elsewhere")).to_be_visible()
    expect(side(page).get_by_text(told)).to_be_visible()  # though its question is gone
    shoot(page, "told")


def test_what_is_typed_in_one_question_stays_when_another_is_answered(
    home: Path, studio: Server, page: Page
) -> None:
    both = {**MAIL, "name": "Both"}
    both["nodes"] = [
        *MAIL["nodes"],
        {"id": "kept", "kind": "io.output", "params": {"name": "kept"}},
    ]
    both["edges"] = [
        {"from": "text.value", "to": "edit.value"},
        {"from": "text.value", "to": "approve.value"},
        {"from": "edit.value", "to": "kept.value"},
        {"from": "approve.approved", "to": "sent.value"},
    ]
    put(home, "both", both)
    run(page, studio, "both")
    area = side(page).get_by_role("textbox", name="The value")
    expect(side(page).get_by_text("Waits for an answer").first).to_be_visible()
    area.fill("Dear Grace")
    side(page).get_by_role("button", name="Approve").click()
    ran = side(page).get_by_role("region", name="The run")
    expect(ran.get_by_role("button", name="Approve")).to_have_count(0)
    expect(ran.get_by_text("Waits for an answer").first).to_be_visible()
    expect(area).to_have_value("Dear Grace")
    ran.get_by_role("button", name="Answer", exact=True).click()
    expect(ran.get_by_text("Finished", exact=True)).to_be_visible()


KINDS = {
    "format": 1,
    "name": "Kinds",
    "nodes": [
        {
            "id": "data",
            "kind": "io.value",
            "params": {"type": "json", "value": {"a": 1}},
        },
        {
            "id": "right",
            "kind": "people.edit",
            "params": {"question": "Is it right?", "of": "json"},
        },
        {
            "id": "which",
            "kind": "people.choose",
            "params": {"question": "Which one?", "options": [f"way {i}" for i in range(1, 8)]},
        },
        {"id": "who", "kind": "people.form", "params": {"question": "Who are you?"}},
        *({"id": f"out{i}", "kind": "io.output", "params": {"name": f"out{i}"}} for i in range(3)),
    ],
    "edges": [
        {"from": "data.value", "to": "right.value"},
        {"from": "data.value", "to": "which.value"},
        {"from": "data.value", "to": "who.value"},
        {"from": "right.value", "to": "out0.value"},
        {"from": "which.choice", "to": "out1.value"},
        {"from": "who.json", "to": "out2.value"},
    ],
    "layout": {
        "data": {"x": 0, "y": 0}, "right": {"x": 300, "y": 0}, "which": {"x": 300, "y": 160},
        "who": {"x": 300, "y": 320}, "out0": {"x": 600, "y": 0}, "out1": {"x": 600, "y": 160},
        "out2": {"x": 600, "y": 320},
    },
}  # fmt: skip


def test_questions_of_all_kinds_are_answered_in_the_dock(
    home: Path, studio: Server, page: Page
) -> None:
    put(home, "kinds", KINDS)
    edit(studio, page, "kinds", "who")
    toolbar(page, "Run").click()
    ran = side(page).get_by_role("region", name="The run")
    right, which, who = (
        ran.get_by_role("region", name=name, exact=True)
        for name in ("Is it right?", "Which one?", "Who are you?")
    )
    value = right.get_by_role("textbox", name="The value")
    value.fill('{"a": ')
    right.get_by_role("button", name="Answer", exact=True).click()
    expect(right.get_by_role("alert")).to_contain_text("Not JSON")
    value.fill('{"a": 2}')
    expect(right.get_by_role("group", name="What you change")).to_contain_text('+{"a": 2}')
    who.get_by_label("name").fill("Ada")
    shoot(page, "questions-in-the-dock")
    tab(page, "Chat")
    tab(page, "Run")
    expect(value).to_have_value('{"a": 2}')  # half typed, and kept
    expect(who.get_by_label("name")).to_have_value("Ada")
    answer = which.get_by_role("button", name="Answer", exact=True)
    expect(answer).to_be_disabled()
    which.get_by_label("Choice").select_option("way 5")
    answer.click()
    expect(which).to_have_count(0)
    expect(value).to_have_value('{"a": 2}')
    right.get_by_role("button", name="Answer", exact=True).click()
    expect(right).to_have_count(0)
    who.get_by_label("urgent").select_option("yes")
    who.get_by_role("button", name="Answer", exact=True).click()
    expect(ran.get_by_text("Finished", exact=True)).to_be_visible()
    expect(ran.get_by_role("region", name="out1")).to_contain_text("way 5")


def test_two_browsers_do_not_see_each_others_questions(
    home: Path, studio: Server, page: Page, browser: Browser
) -> None:
    put(home, "mail3", {**MAIL, "name": "Mail three"})
    run(page, studio, "mail3")
    expect(side(page).get_by_text("Waits for an answer").first).to_be_visible()
    expect(side(page).get_by_role("textbox", name="The value")).to_be_visible()
    other = let_in(another(browser)).new_page()
    other.goto(f"{studio.url}/inbox")
    expect(other.get_by_text("Nobody is asked anything.")).to_be_visible()
    other.context.close()
    side(page).get_by_role("button", name="Stop").click()
    expect(side(page).get_by_text("Stopped", exact=True)).to_be_visible()
    expect(side(page).get_by_role("textbox", name="The value")).to_have_count(0)


def test_a_turn_that_waits_is_stopped(home: Path, studio: Server, page: Page) -> None:
    put(home, "talk2", {**TALK, "name": "Talk two"})
    open_chat(page, studio, "talk2")
    approve = chat(page).get_by_role("button", name="Approve")
    say(page, "words")
    expect(approve).to_be_visible()
    chat(page).get_by_role("button", name="Stop", exact=True).click()
    expect(approve).to_have_count(0)
    expect(page.get_by_placeholder("Message", exact=True)).to_be_enabled()
    expect(chat(page).get_by_text("Stopped.", exact=True)).to_be_visible()
