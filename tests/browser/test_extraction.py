"""A selection becomes a flow of its own in the editor, and comes back by undo."""

from __future__ import annotations

import json

from playwright.sync_api import Page, expect

from tests.browser.editor_page import edit, node, nodes, shoot, toolbar
from tests.browser.flow_files import put, wait_for
from tests.browser.harness import Server


def two_prompts() -> dict:
    """question → first → second → answer."""
    prompt = {"kind": "prompt.template", "version": 1}
    return {
        "format": 1,
        "name": "Two prompts",
        "nodes": [
            {"id": "question", "kind": "io.input", "version": 1},
            {"id": "first", **prompt, "params": {"template": "1 {question}"}},
            {"id": "second", **prompt, "params": {"template": "2 {text}"}},
            {"id": "answer", "kind": "io.output", "version": 1},
        ],
        "edges": [
            {"from": "question.value", "to": "first.question"},
            {"from": "first.text", "to": "second.text"},
            {"from": "second.text", "to": "answer.value"},
        ],
        "layout": {
            "question": {"x": 0, "y": 0}, "first": {"x": 320, "y": 0},
            "second": {"x": 320, "y": 260}, "answer": {"x": 640, "y": 0},
        },
    }  # fmt: skip


def choose(page: Page, *ids: str) -> None:
    """Select these nodes and no others."""
    for number, each in enumerate(ids):
        title = node(page, each).locator(".pb-head")
        title.click(modifiers=["ControlOrMeta"] if number else [])
    expect(page.locator(".react-flow__node.selected")).to_have_count(len(ids))


def test_a_selection_becomes_a_flow_and_comes_back(studio: Server, page: Page) -> None:
    path = put(studio, "two-prompts", two_prompts())
    edit(studio, page, "two-prompts", "second")
    choose(page, "first", "second")
    page.keyboard.press("s")
    asked = page.get_by_role("dialog", name="Make a flow of the selection")
    asked.get_by_role("combobox").fill("Both prompts")
    shoot(page, "make-a-flow-asked")
    asked.get_by_role("combobox").press("Enter")
    made = node(page, "both-prompts")
    expect(made).to_be_visible()
    expect(nodes(page)).to_have_count(3)
    shoot(page, "make-a-flow-made")
    inner = studio.home / "flows" / "both-prompts.json"
    assert json.loads(inner.read_text("utf-8"))["name"] == "Both prompts"
    wires = [
        {"from": "question.value", "to": "both-prompts.question"},
        {"from": "both-prompts.answer", "to": "answer.value"},
    ]
    wait_for(page, lambda: json.loads(path.read_text("utf-8"))["edges"] == wires)

    made.locator(".pb-head").dblclick(position={"x": 8, "y": 8})
    expect(node(page, "second")).to_be_visible()
    expect(nodes(page)).to_have_count(4)
    shoot(page, "make-a-flow-inside")
    page.get_by_role("button", name="← Two prompts").click()
    expect(made).to_be_visible()

    toolbar_undo = page.locator(".st-key-undo button:visible").first
    expect(toolbar_undo).to_be_enabled()
    toolbar_undo.click()
    expect(node(page, "second")).to_be_visible()
    expect(made).to_have_count(0)
    wait_for(page, lambda: len(json.loads(path.read_text("utf-8"))["edges"]) == 3)
    assert inner.exists()


def test_what_cannot_be_a_flow_says_why(studio: Server, page: Page) -> None:
    flow = two_prompts()
    flow["edges"].append({"from": "question.value", "to": "second.other"})
    flow["nodes"].insert(2, {"id": "between", "kind": "prompt.template", "version": 1,
                             "title": "Between", "params": {"template": "{text}"}})  # fmt: skip
    flow["edges"][1:2] = [
        {"from": "first.text", "to": "between.text"},
        {"from": "between.text", "to": "second.text"},
    ]
    flow["layout"]["between"] = {"x": 620, "y": 260}
    path = put(studio, "comes-back", flow)
    before = path.read_text("utf-8")
    edit(studio, page, "comes-back", "second")
    choose(page, "first", "second")
    node(page, "second").locator(".pb-head").click(button="right")
    page.get_by_role("menuitem", name="Make a flow of them").click()
    asked = page.get_by_role("dialog", name="Make a flow of the selection")
    asked.get_by_role("combobox").press("Enter")
    expect(page.get_by_text('comes back by way of "Between"')).to_be_visible()
    shoot(page, "make-a-flow-refused")
    expect(nodes(page)).to_have_count(5)
    expect(toolbar(page, "Run")).to_be_visible()
    assert json.loads(path.read_text("utf-8"))["nodes"] == json.loads(before)["nodes"]
