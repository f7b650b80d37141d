"""Runs in the studio: begun, stopped, failed, looked at later."""

from __future__ import annotations

import json
import re

from playwright.sync_api import Page, WebSocketRoute, expect

from tests.browser.editor_page import (
    drawn,
    edit,
    finished,
    icon,
    node,
    open_latest_run,
    run,
    settings,
    shoot,
    side,
    tab,
    toolbar,
)
from tests.browser.flow_files import SAVED, long_story, put, two_steps, wait_for
from tests.browser.harness import Server


def test_a_run_is_stopped_at_once(studio: Server, page: Page) -> None:
    long_story(studio, "stop")
    edit(studio, page, "stop")
    run(page)
    expect(side(page).locator(".text")).not_to_be_empty()
    toolbar(page, "Stop").click()
    expect(side(page).get_by_text("Stopped", exact=True).first).to_be_visible()
    expect(toolbar(page, "Run")).to_be_visible()
    open_latest_run(studio, page)
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    drawn(page)
    page.get_by_role("button", name="Resume").click()
    shown = page.get_by_test_id("stMainBlockContainer")
    shown.get_by_role("button", name="Stop").click()
    expect(shown.get_by_role("button", name="Resume")).to_be_visible()


def test_a_node_that_warned_says_so_below_it(studio: Server, page: Page) -> None:
    flow = json.loads((SAVED / "ask.json").read_text("utf-8"))
    for one in flow["nodes"]:
        if one["id"] == "ask":
            one["params"]["max_tokens"] = 3
    put(studio, "warned", flow)
    edit(studio, page, "warned", "ask")
    run(page)
    expect(finished(page)).to_be_visible()
    expect(node(page, "ask").locator(".pb-warned")).to_have_text("⚠ 1 warning")
    done = node(page, "ask").get_by_role("img", name="Done, with 1 warning")
    expect(done).to_be_visible()
    expect(node(page, "prompt").locator(".pb-warned")).to_have_count(0)
    shoot(page, "warned-node")
    page.reload()  # it is told to who looks later, too
    expect(node(page, "ask").locator(".pb-warned")).to_have_text("⚠ 1 warning")


def test_a_loop_that_is_stopped_keeps_its_finished_items_and_says_so(
    studio: Server, page: Page
) -> None:
    put(studio, "one-question")
    cities = "\n".join(f"What is the capital of the land number {n}?" for n in range(60))
    nodes = [
        {"id": "lines", "kind": "io.value", "params": {"value": cities}},
        {"id": "cut", "kind": "text.split", "params": {"by": "lines"}},
        {"id": "each", "kind": "logic.for_each", "run": {"cache": "never"}, "params": {
            "concurrency": 1, "flow": "one-question", "input": "question", "output": "answer"}},
        {"id": "out", "kind": "io.output", "params": {"name": "answers"}},
    ]  # fmt: skip
    wires = [
        ("lines.value", "cut.text"),
        ("cut.items", "each.items"),
        ("each.results", "out.value"),
    ]
    put(studio, "stopped-loop", {
        "format": 1, "name": "Stopped loop", "nodes": nodes,
        "edges": [{"from": source, "to": target} for source, target in wires],
        "layout": {
            part["id"]: {"x": 320 * (n % 2), "y": 260 * (n // 2)} for n, part in enumerate(nodes)
        },
    })  # fmt: skip
    edit(studio, page, "stopped-loop", "each")
    run(page)
    expect(node(page, "each")).to_contain_text(re.compile(r"items [1-9]\d* of 60"))
    expect(node(page, "each").get_by_role("progressbar")).to_be_visible()
    toolbar(page, "Stop").click()
    kept = node(page, "each").get_by_text("What had come about by then is kept")
    expect(kept).to_be_visible()
    shoot(page, "stopped-loop")
    node(page, "each").locator(".pb-head").click()
    tab(page, "Values")
    expect(side(page).get_by_text("results").first).to_be_visible()


def test_a_failed_run_says_where_why_and_with_what(studio: Server, page: Page) -> None:
    flow = json.loads((SAVED / "ask.json").read_text("utf-8"))
    for item in flow["nodes"]:
        if item["id"] == "model":
            item["params"]["weights"] = "./no-such-model.gguf"
    put(studio, "fails", flow)
    edit(studio, page, "fails")
    run(page)
    expect(side(page).get_by_text("Failed", exact=True).first).to_be_visible()
    expect(side(page).get_by_text("does not exist").first).to_be_visible()
    given = side(page).locator("details").filter(has_text="What went in: prompt")
    given.get_by_text("What went in: prompt").click()
    expect(given.get_by_text("What is the capital of Denmark?")).to_be_visible()


def test_past_runs_are_listed_and_stepped_through(studio: Server, page: Page) -> None:
    path = put(studio, "past")
    edit(studio, page, "past")
    run(page)
    finished(page)
    open_latest_run(studio, page)
    expect(page.get_by_text("patchbay run")).to_be_visible()
    expect(page.get_by_text("run finished")).to_be_visible()
    drawn(page)
    icon(page, "earlier").click()
    expect(page.get_by_text("node finished")).to_be_visible()
    drawn(page)
    before = page.url
    path.unlink()  # what was recorded needs no file
    page.get_by_role("button", name="Run again").click()
    expect(page).not_to_have_url(before)
    expect(page.get_by_text("Finished", exact=True)).to_be_visible()
    expect(page.get_by_text("Copenhagen").first).to_be_visible()


def test_values_of_the_last_run_follow_the_selection(studio: Server, page: Page) -> None:
    put(studio, "values")
    edit(studio, page, "values")
    run(page)
    finished(page)
    tab(page, "Values")
    expect(side(page).get_by_text("Select a node to see what it took")).to_be_visible()
    node(page, "prompt").click()  # its values, since these are in front
    expect(side(page).get_by_text("text (out)")).to_be_visible()
    expect(side(page).get_by_text("Answer in one short sentence.").first).to_be_visible()
    side(page).get_by_text("question (in)").click()
    expect(side(page).get_by_text("What is the capital of Denmark?").last).to_be_visible()
    shoot(page, "values")


class Line:
    """The connection of a tab to Streamlit, which can be held: Python hears nothing then."""

    def __init__(self, page: Page) -> None:
        self.held: list[str | bytes] | None = None
        page.route_web_socket(re.compile("_stcore/stream"), self._relay)

    def _relay(self, line: WebSocketRoute) -> None:
        self.server = line.connect_to_server()
        line.on_message(self._heard)

    def _heard(self, message: str | bytes) -> None:
        if self.held is None:
            self.server.send(message)
        else:
            self.held.append(message)

    def hold(self) -> None:
        self.held = []

    def let_go(self) -> None:
        """All of it at once."""
        waiting, self.held = self.held or [], None
        for message in waiting:
            self.server.send(message)


def test_a_run_begins_with_all_that_was_typed_before(studio: Server, page: Page) -> None:
    """Of what waits for Python together, Streamlit hands on first what came last: the run."""
    put(studio, "typed-last", two_steps("Good day"))
    page = page.context.new_page()
    line = Line(page)
    edit(studio, page, "typed-last", "prompt")
    node(page, "prompt").locator(".pb-head").click()
    field = settings(page).get_by_role("textbox", name="Template")
    expect(field).to_have_value("Say {what}")
    drawn(page)
    line.hold()
    field.fill("Cry {what}")
    wait_for(page, lambda: bool(line.held))
    field.fill("Shout {what}")
    toolbar(page, "Run").click()
    page.wait_for_timeout(1_000)  # what would be sent too early is sent by now
    line.let_go()
    expect(finished(page).get_by_text("Shout Good day").first).to_be_visible()


def test_a_tab_is_there_without_asking_the_page(studio: Server, page: Page) -> None:
    sent: list[str] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda _: sent.append(socket.url)))
    put(studio, "tabs")
    edit(studio, page, "tabs")
    tab(page, "Node")
    before = -1
    while len(sent) != before:  # until the page has told all that it tells by itself
        before = len(sent)
        drawn(page)
        page.wait_for_timeout(2_000)
    for name in ("Values", "Problems", "Node", "Values"):
        tab(page, name)
        expect(side(page).locator(":scope > *").first).to_be_visible()
    assert len(sent) == before
