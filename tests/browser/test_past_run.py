"""A past run in the editor: its values, its time, editing from it; and beside another run."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState

from tests.browser.editor_page import (
    dock,
    drawn,
    edit,
    finished,
    node,
    open_latest_run,
    press_to,
    run,
    settings,
    shoot,
)
from tests.browser.flow_files import put, two_steps, wait_for
from tests.browser.harness import Server


def test_a_past_run_is_gone_through_and_edited_from(studio: Server, page: Page) -> None:
    path = put(studio, "past", {**two_steps("Good day"), "name": "Past"})
    edit(studio, page, "past", "prompt")
    run(page)
    finished(page)
    open_latest_run(studio, page)
    opens = page.get_by_role("button", name="Open in the editor")
    press_to(page, opens, re.compile(r"/editor\?run="))
    prompt = node(page, "prompt")
    expect(prompt.locator(".pb-status.done")).to_be_visible()
    prompt.locator(".pb-head").click()
    expect(settings(page)).to_contain_text("Say Good day")
    expect(settings(page).get_by_role("textbox", name="Template")).to_be_disabled()
    page.locator(".pb-canvas").focus()
    page.keyboard.press("i")
    expect(settings(page)).to_be_hidden()
    page.keyboard.press("i")
    expect(settings(page)).to_be_visible()
    marks = page.locator(".pb-legend .pb-mark").evaluate_all(
        "marks => marks.map((mark) => [mark.offsetWidth, mark.offsetHeight])"
    )
    assert all(width == height for width, height in marks), "the legend shows the ports' shapes"
    shoot(page, "past-run")

    time = page.get_by_role("slider", name="Moment of the run")
    time.focus()
    page.keyboard.press("Home")
    expect(prompt.locator(".pb-status")).to_have_count(0)
    page.keyboard.press("End")
    expect(prompt.locator(".pb-status.done")).to_be_visible()

    edits = page.get_by_role("button", name="Edit from “Prompt template”")
    press_to(page, edits, re.compile(r"/editor\?flow=past"))
    expect(prompt).to_have_count(1)  # the canvas of before has left the page
    expect(node(page, "given").locator(".pb-chip.pinned")).to_have_text("pinned")
    expect(prompt.locator(".pb-chip.pinned")).to_have_count(0)
    expect(page.get_by_text("1 value of the run of")).to_be_visible()
    shoot(page, "past-run-edited")

    settings_of = dock(page).get_by_role("textbox", name="Template")
    prompt.locator(".pb-head").click()
    settings_of.fill("Whisper {what}")
    wait_for(page, lambda: "Whisper" in path.read_text("utf-8"))
    run(page)
    expect(finished(page).get_by_text("Whisper Good day").first).to_be_visible()

    open_latest_run(studio, page)
    expect(page.get_by_text("Compare with another run")).to_be_visible()
    drawn(page)
    page.get_by_text("Compare with another run").click()
    below = page.get_by_test_id("stExpander")
    expect(below.get_by_text("something else").first).to_be_visible()
    expect(below.get_by_text("Say Good day").first).to_be_visible()
    expect(below.get_by_text("Whisper Good day").first).to_be_visible()
    expect(below.get_by_text('Template of "Prompt template" changed.')).to_be_visible()
    shoot(page, "past-run-compared")
    drawn(page)
    below.get_by_role("button", name="Difference").first.click()
    large = page.get_by_role("dialog")
    expect(large.locator("del")).to_have_text("Say")
    expect(large.locator("ins")).to_have_text("Whisper")
    shoot(page, "past-run-difference")


def test_the_picture_of_a_run_does_not_run_its_page_anew(studio: Server, page: Page) -> None:
    """It tells its state once it is drawn: a dialog that was opened by then was closed."""
    told: list[ClientState] = []

    def sent(frame: str | bytes) -> None:
        message = BackMsg.FromString(frame if isinstance(frame, bytes) else frame.encode("latin-1"))
        told.append(message.rerun_script)

    put(studio, "pictured", {**two_steps("Good day"), "name": "Pictured"})
    edit(studio, page, "pictured", "prompt")
    run(page)
    finished(page)
    page.on("websocket", lambda socket: socket.on("framesent", sent))
    open_latest_run(studio, page)

    def of_the_picture() -> list[ClientState]:
        return [
            state for state in told
            if any("-past-" in w.id and w.WhichOneof("value") for w in state.widget_states.widgets)
        ]  # fmt: skip

    wait_for(page, lambda: bool(of_the_picture()))
    drawn(page)
    assert all(state.fragment_id for state in of_the_picture())


def test_a_run_that_is_gone_says_so(studio: Server, page: Page) -> None:
    page.goto(f"{studio.url}/editor?run=no-such-run")
    expect(page.get_by_text("There is no such run")).to_be_visible()
    expect(page.get_by_role("link", name="Go to the runs")).to_be_visible()
