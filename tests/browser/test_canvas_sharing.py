"""One flow on several canvases, or in the hands of another program."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.canvas_page import CanvasPage, three_nodes
from tests.browser.flow_files import write
from tests.browser.harness import Server


@pytest.mark.parametrize("mine", [True, False])
def test_a_conflict_is_settled_on_the_canvas(bare: Server, empty_page: Page, mine: bool):
    name = f"by-hand-{mine}"
    canvas = CanvasPage(empty_page, bare, name)
    canvas.drop("Flow input", 130, 120)
    expect(canvas.nodes()).to_have_count(1)
    theirs = canvas.path.read_text().replace('"name": "Test"', '"name": "Theirs"')
    write(canvas.path, theirs)
    canvas.press("Control+s")
    banner = canvas.page.locator(".pb-conflict")
    expect(banner).to_contain_text("Another program has changed the file")
    assert canvas.path.read_text() == theirs
    banner.get_by_role("button", name="Keep mine" if mine else "Take theirs").click()
    expect(banner).to_have_count(0)
    if mine:
        canvas.wait_saved(lambda flow: flow["name"] == "Test" and len(flow["nodes"]) == 1)
    else:
        expect(canvas.nodes()).to_have_count(0)
        assert canvas.path.read_text() == theirs


def test_two_tabs_on_one_flow_follow_each_other(canvas: CanvasPage, context: BrowserContext):
    other = CanvasPage(context.new_page(), canvas.server, canvas.name, "&poll=1")
    canvas.drop("Flow input", 130, 120)
    expect(other.node("flow-input")).to_be_visible()
    other.drop("Flow output", 600, 300)
    canvas.drop("Flow output", 600, 120)
    canvas.wait_saved(lambda flow: len(flow["nodes"]) == 3)
    ids = {node["id"] for node in canvas.saved()["nodes"]}
    assert ids == {"flow-input", "flow-output", "flow-output-2"}
    expect(other.nodes()).to_have_count(3)
    expect(canvas.nodes()).to_have_count(3)


def test_another_program_changes_the_file(canvas: CanvasPage, context: BrowserContext):
    canvas.page.close()
    follower = CanvasPage(context.new_page(), canvas.server, canvas.name, "&poll=1")
    follower.drop("Flow input", 130, 120)
    follower.wait_saved(lambda flow: len(flow["nodes"]) == 1)
    changed = follower.path.read_text().replace('"name": "Test"', '"name": "Other"')
    write(follower.path, changed.replace("flow-input", "from-outside"))
    expect(follower.node("from-outside")).to_be_visible()
    assert follower.saved()["name"] == "Other"


KEEP_SOCKETS = """
  const Plain = WebSocket;
  window.sockets_ = [];
  window.WebSocket = class extends Plain {
    constructor(...more) { super(...more); window.sockets_.push(this); }
  };
"""


def test_a_page_whose_connection_broke_goes_on(bare: Server, empty_page: Page):
    empty_page.add_init_script(KEEP_SOCKETS)
    canvas = CanvasPage(empty_page, bare, "broken-line")
    canvas.drop("Flow input", 130, 120)
    canvas.wait_saved(lambda flow: len(flow["nodes"]) == 1)
    canvas.page.evaluate("window.sockets_.forEach(socket => socket.close())")
    canvas.drop("Flow output", 600, 120)
    canvas.page.wait_for_function("window.sockets_.length > 1")
    canvas.wait_saved(lambda flow: len(flow["nodes"]) == 2)
    canvas.connect("flow-input.value", "flow-output.value")
    canvas.wait_wires([("flow-input.value", "flow-output.value")])


def test_read_only(canvas: CanvasPage, context: BrowserContext):
    three_nodes(canvas)
    canvas.wait_saved(lambda flow: len(flow["nodes"]) == 3)
    before = canvas.path.read_text()
    page = CanvasPage(context.new_page(), canvas.server, canvas.name, "&readonly=1")
    expect(page.nodes()).to_have_count(3)
    expect(page.page.locator(".pb-palette")).to_have_count(0)
    page.node("prompt-template").locator(".pb-head").click()
    page.press("Delete")
    page.page.wait_for_timeout(700)
    expect(page.nodes()).to_have_count(3)
    assert canvas.path.read_text() == before
