"""The settings of a node, in the dock over the canvas."""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as Late

from patchbay.flows.document.reading import read_flow
from tests.browser.editor_page import (
    dock,
    drawn,
    edit,
    front,
    icon,
    node,
    nodes,
    settings,
    side,
    still,
    tab,
    toolbar,
)
from tests.browser.flow_files import put, wait_for
from tests.browser.harness import Server


def test_examples_are_a_table_that_can_be_edited(studio: Server, page: Page) -> None:
    path = put(studio, "table", saved="classify")
    edit(studio, page, "table")
    shots = next(item for item in read_flow(path).nodes if item.kind == "prompt.few_shot")
    before = shots.params["examples"]
    node(page, shots.id).click()
    table = settings(page).locator(".pb-table")
    cell = table.get_by_label("input, row 1")
    expect(cell).to_have_value(before[0]["input"])
    cell.fill("A brand new example")

    def examples() -> Any:
        return read_flow(path).node(shots.id).params["examples"]

    wait_for(page, lambda: "A brand new example" in json.dumps(examples()))
    assert len(examples()) == len(before)
    assert examples()[1:] == before[1:]
    icon(page, "undo").click()
    wait_for(page, lambda: examples() == before)
    expect(cell).to_have_value(before[0]["input"])
    table.get_by_role("button", name="Add a row").click()
    added = table.get_by_label(f"input, row {len(before) + 1}")
    expect(added).to_be_focused()
    added.fill("One more")
    wait_for(page, lambda: examples() == [*before, {"input": "One more", "output": ""}])
    table.get_by_role("button", name=f"Row {len(before) + 1} up").click()
    wait_for(page, lambda: examples()[-2:] == [{"input": "One more", "output": ""}, before[-1]])
    table.get_by_role("button", name=f"Remove row {len(before)}").click()
    wait_for(page, lambda: examples() == before)


def test_an_edit_in_the_inspector_adds_a_port_and_a_fix_wires_it(
    studio: Server, page: Page
) -> None:
    path = put(studio, "inspect")
    edit(studio, page, "inspect")
    node(page, "prompt").click()
    field = settings(page).get_by_role("textbox", name="Template")
    field.fill("In the style of {sty")
    field.press("End")
    field.press_sequentially("le}", delay=30)
    port = page.locator('[data-port="prompt.style"]')
    expect(port).to_have_count(1)  # after a pause, and the field goes on being written in
    expect(page.locator('[data-port="prompt.question"].pb-handle')).to_have_count(1)
    field.press_sequentially(": {question}", delay=60)
    expect(field).to_be_focused()
    expect(field).to_have_value("In the style of {style}: {question}")
    expect(page.locator(".pb-port.gone")).to_have_count(0)
    expect(settings(page).get_by_text("“Prompt template” (style) takes")).to_be_visible()
    tab(page, "Problems")
    dock(page).get_by_role("button", name="Wire from “Flow input” (value)").click()
    expect(dock(page).get_by_text("Nothing is wrong")).to_be_visible()
    expect(toolbar(page, "Validate")).to_be_visible()
    wait_for(page, lambda: "prompt.style" in {edge.target for edge in read_flow(path).edges})
    toolbar(page, "Validate").click()  # a try: from now on what is missing is an error
    drawn(page)
    icon(page, "undo").click()
    expect(toolbar(page, "1 error")).to_be_visible()
    tab(page, "Node")
    drawn(page)

    def undone() -> bool:
        with contextlib.suppress(Late):  # the last step is gone by now, and the button with it
            icon(page, "undo").click(timeout=2_000)
        drawn(page)
        return field.input_value().startswith("Answer in one short sentence")

    wait_for(page, undone)  # what was typed slowly is several steps
    expect(field).to_have_value(re.compile("^Answer in one short sentence"))
    expect(port).to_have_count(0)
    wait_for(
        page, lambda: "Answer in one short" in read_flow(path).node("prompt").params["template"]
    )


def test_a_field_belongs_to_the_node_it_was_drawn_for(studio: Server, page: Page) -> None:
    path = put(studio, "fields")
    page.set_viewport_size({"width": 1900, "height": 900})  # no node lies under the dock
    edit(studio, page, "fields")
    before = read_flow(path).by_id()
    node(page, "prompt").click()
    title = settings(page).get_by_role("textbox", name="Title")
    expect(title).to_have_attribute("placeholder", "Prompt template")
    # What a person does who is faster than any server: types, chooses another node, types again.
    title.press_sequentially("First", delay=0)
    node(page, "ask").locator(".pb-head").click()
    expect(title).to_have_attribute("placeholder", "Ask a model")
    title.press_sequentially("Second", delay=0)
    tokens = settings(page).get_by_label("Max tokens")
    tokens.fill("77")
    node(page, "prompt").locator(".pb-head").click()
    expect(title).to_have_value("First")
    expect(node(page, "ask")).to_contain_text("Second")
    expect(node(page, "prompt")).to_contain_text("First")

    def after() -> Any:
        return read_flow(path).by_id()

    wait_for(page, lambda: after()["ask"].params.get("max_tokens") == 77)
    assert (after()["prompt"].title, after()["ask"].title) == ("First", "Second")
    assert after()["prompt"].params == before["prompt"].params
    assert {**after()["ask"].params, "max_tokens": 0} == {**before["ask"].params, "max_tokens": 0}


def width(part: Locator) -> float:
    """How wide something that is shown is, in pixels."""
    box = part.bounding_box()
    assert box is not None
    return box["width"]


def test_the_dock_folds_widens_and_remembers(studio: Server, page: Page) -> None:
    put(studio, "docked")
    edit(studio, page, "docked")
    expect(page.locator(".pb-rail")).to_be_visible()  # nothing lies over the canvas
    drawn(page)
    whole = page.locator(".pb-canvas").bounding_box()
    node(page, "prompt").click()
    expect(settings(page).get_by_role("textbox", name="Template")).to_be_visible()
    assert page.locator(".pb-canvas").bounding_box() == whole  # it lies over it
    edge = page.get_by_role("separator", name="Width of the dock")
    wide = width(dock(page))
    edge.focus()
    page.keyboard.press("ArrowLeft")
    wait_for(page, lambda: width(dock(page)) == wide + 40)
    tab(page, "Run")
    expect(side(page).get_by_label("question")).to_have_value("What is the capital of Denmark?")
    page.reload()
    expect(front(page)).to_have_text("Run")
    expect(side(page).get_by_label("question")).to_be_visible()
    node(page, "ask").click()
    expect(settings(page).get_by_label("Max tokens")).to_be_visible()
    expect(side(page).get_by_label("question")).to_have_count(0)
    page.locator(".pb-canvas").focus()
    page.keyboard.press("i")
    expect(dock(page)).to_have_count(0)
    node(page, "prompt").click()
    expect(dock(page)).to_have_count(0)  # who folded it does not want it back by every click
    node(page, "prompt").focus()
    page.keyboard.press("Enter")
    expect(settings(page).get_by_role("textbox", name="Template")).to_be_focused()


def test_the_palette_lies_over_the_canvas_widens_and_is_remembered(
    studio: Server, page: Page
) -> None:
    put(studio, "palette")
    edit(studio, page, "palette")
    palette = page.locator(".pb-palette")
    expect(palette).to_be_visible()
    drawn(page)
    still(page)
    whole, narrow = page.locator(".pb-canvas").bounding_box(), palette.bounding_box()
    assert whole
    assert narrow
    assert narrow["x"] == whole["x"]
    first = nodes(page).first.bounding_box()
    assert first
    assert first["x"] >= narrow["x"] + narrow["width"]
    edge = page.get_by_role("separator", name="Width of the palette")
    edge.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    wait_for(page, lambda: width(palette) == narrow["width"] + 80)
    wide = palette.bounding_box()
    page.reload()
    expect(palette).to_be_visible()
    wait_for(page, lambda: palette.bounding_box() == wide)
    page.locator(".pb-canvas").focus()
    page.keyboard.press("p")
    expect(palette).to_have_count(0)
    wait_for(page, lambda: page.locator(".pb-canvas").bounding_box() == whole)
    page.keyboard.press("p")
    expect(palette).to_be_visible()
