"""What is wrong with a flow, and how the editor says it."""

from __future__ import annotations

import json
import re

from playwright.sync_api import Page, expect

from patchbay.flows.document.reading import read_flow
from tests.browser.editor_page import (
    chat,
    chat_box,
    dock,
    edit,
    front,
    node,
    run,
    settings,
    tab,
    toolbar,
)
from tests.browser.flow_files import SAVED, put, wait_for
from tests.browser.harness import Server


def test_a_circle_is_opened_by_a_button(studio: Server, page: Page) -> None:
    flow = json.loads((SAVED / "ask.json").read_text("utf-8"))
    flow["nodes"].append({"id": "more", "kind": "prompt.template", "version": 1,
                          "params": {"template": "{text}"}})  # fmt: skip
    flow["edges"][0] = {"from": "more.text", "to": "prompt.question"}
    flow["edges"] += [{"from": "ask.text", "to": "more.text"}]
    path = put(studio, "circle", flow)
    edit(studio, page, "circle")
    tab(page, "Problems")
    expect(dock(page).get_by_text("wait for each other").first).to_be_visible()
    dock(page).get_by_role("button", name="Remove “Ask a model” (text)").click()
    expect(dock(page).get_by_text("wait for each other")).to_have_count(0)
    wait_for(page, lambda: "more.text" not in {edge.target for edge in read_flow(path).edges})


def test_problems_come_first_and_what_was_typed_is_kept(studio: Server, page: Page) -> None:
    flow = json.loads((SAVED / "ask.json").read_text("utf-8"))
    for item in flow["nodes"]:
        if item["kind"] == "io.input":
            item["params"].pop("default")  # it must be given, and is not
        if item["id"] == "ask":
            item["params"]["max_tokens"] = -1  # and this is wrong
    put(studio, "wrong", flow)
    edit(studio, page, "wrong")
    run(page)
    said = page.locator(".pb-notice")
    expect(said).to_contain_text("Nothing was run. Correct this error first.")
    expect(front(page)).to_contain_text("Problems")
    said.get_by_role("button", name="Close").click()
    expect(said).to_have_count(0)
    tab(page, "Chat")
    box = chat_box(page)
    box.fill("A long question that nobody wants to type twice?")
    box.press("Enter")
    expect(toolbar(page, "1 error")).to_be_visible()
    why = chat(page).get_by_role("alert")
    expect(why).to_contain_text("Ask a model · max_tokens")
    expect(box).to_have_value("A long question that nobody wants to type twice?")
    why.get_by_role("button", name="Show the node").first.click()
    expect(node(page, "ask")).to_have_class(re.compile("selected"))
    page.screenshot(path=studio.home / "refused-chat.png")
    run(page)
    expect(said).to_be_visible()
    tab(page, "Node")
    settings(page).get_by_label("Max tokens").fill("60")
    page.keyboard.press("Tab")
    expect(said).to_have_count(0)  # nothing is wrong any more


def test_a_param_that_is_missing_is_filled_in_from_the_list(studio: Server, page: Page) -> None:
    flow = json.loads((SAVED / "ask.json").read_text("utf-8"))
    flow["nodes"].append({"id": "find", "kind": "logic.run_flow", "version": 1, "params": {}})
    flow["notes"] = [{"id": "why", "text": "The key is sk-proj-" + "a1B2c3D4" * 5 + ", for now."}]
    path = put(studio, "missing", flow)
    edit(studio, page, "missing")
    tab(page, "Problems")
    dock(page).get_by_role("button", name="Fill in “").first.click()
    expect(node(page, "find")).to_have_class(re.compile("selected"))
    expect(page.locator("[id='pb-f-find-flow']")).to_be_focused()
    page.keyboard.type("model")  # no flow is called so; a node is
    page.keyboard.press("Tab")
    tab(page, "Problems")
    dock(page).get_by_role("button", name="Take it out").click()
    wait_for(page, lambda: "The key is [key taken out], for now." in path.read_text("utf-8"))
    expect(dock(page).get_by_text("looks like")).to_have_count(0)
    expect(dock(page).get_by_text('There is no flow "model"')).to_be_visible()
    page.screenshot(path=studio.home / "filled-in.png")
