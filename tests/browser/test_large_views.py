"""Values of a run and prompts, opened in large over the editor, in a real browser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from patchbay.flows.document.reading import read_flow
from tests.browser.editor_page import (
    edit,
    finished,
    node,
    run,
    settings,
    shoot,
    side,
    still,
    tab,
)
from tests.browser.flow_files import put, wait_for, write
from tests.browser.harness import Server

pytestmark = pytest.mark.xdist_group("browser")

QUERY = "select i, 'name ' || (i % 977) as name from range(100000) t(i)"
FLOW = {
    "format": 1,
    "nodes": [
        {"id": "one", "kind": "io.value", "params": {"value": [{"a": 1}], "type": "json"}},
        {"id": "rows", "kind": "data.sql",
         "params": {"query": QUERY, "rows": 100_000, "megabytes": 50}},
        {"id": "table", "kind": "io.output", "params": {"name": "table"}},
        {"id": "text", "kind": "io.value", "params": {"value": "# Embers\n\nThey **rest**."}},
        {"id": "prompt", "kind": "prompt.template", "params": {"template": "Of this: {source}"}},
        {"id": "said", "kind": "io.output", "params": {"name": "said"}},
    ],
    "edges": [
        {"from": "one.value", "to": "rows.data"},
        {"from": "rows.table", "to": "table.value"},
        {"from": "text.value", "to": "prompt.source"},
        {"from": "prompt.text", "to": "said.value"},
    ],
}  # fmt: skip
"""A table of 100,000 rows, and a prompt that was filled."""


@pytest.fixture(scope="module", autouse=True)
def _large(studio: Server) -> None:
    put(studio, "large", FLOW)


@pytest.fixture
def page(studio: Server, empty_page: Page) -> Page:
    """The flow, run."""
    page = empty_page
    edit(studio, page, "large", "said")
    run(page)
    finished(page)
    return page


def open_value(page: Page, name: str, row: str) -> Locator:
    """Open a value of a node from its settings."""
    node(page, name).locator(".pb-head").click()
    tab(page, "Node")
    settings(page).get_by_role("button", name=row).click()
    return page.get_by_role("dialog")


def test_values_are_shown_in_large_and_compared(page: Page, tmp_path: Path) -> None:
    large = open_value(page, "rows", "gave table")
    grid = large.get_by_role("table")
    expect(grid).to_have_attribute("aria-rowcount", "100001")
    assert grid.get_by_role("row").count() < 200  # what is in view, and a little around it
    name = grid.get_by_role("columnheader", name="name")
    for order in ("ascending", "descending"):
        name.get_by_role("button").click()
        expect(name).to_have_attribute("aria-sort", order)
    expect(grid.get_by_role("cell").nth(1)).to_have_text("name 976")
    large.get_by_label("Filter rows").fill("99999")
    expect(large.get_by_role("status")).to_have_text("1 of 100,000 rows")
    with page.expect_download() as download:
        large.get_by_role("button", name="Export CSV").click()
    download.value.save_as(tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_text().splitlines() == ["i,name", "99999,name 345"]
    page.keyboard.press("Escape")
    expect(large).to_have_count(0)
    large = open_value(page, "prompt", "gave text")
    large.get_by_label("Compare with").select_option("in source")
    expect(large.locator("del")).to_have_text("Of this: ")
    large.get_by_label("Of which node").select_option("text")
    large.get_by_label("Compare with").select_option("out value")
    expect(large.locator("del")).to_have_text("Of this: ")
    page.keyboard.press("Escape")
    large = open_value(page, "text", "gave value")
    expect(large.get_by_role("heading", name="Embers")).to_be_visible()
    large.get_by_label("as it stands").check()
    expect(large.locator(".pb-written pre")).to_contain_text("They **rest**.")


CITING = {
    "format": 1,
    "nodes": [
        {"id": "load", "kind": "retrieval.load", "params": {"path": "oven.md"}},
        {"id": "answer", "kind": "prompt.template",
         "params": {"template": "Spruce is never burned [1], says {source}"}},
        {"id": "said", "kind": "io.output", "params": {"name": "said"}},
        {"id": "cited", "kind": "io.value", "params": {"type": "json", "value": [
            {"number": 3, "place": "oven.md, page 2", "score": 0.5, "quote": "Spruce is never"}]}},
        {"id": "places", "kind": "io.output", "params": {"name": "places"}},
    ],
    "edges": [
        {"from": "load.documents", "to": "answer.source"},
        {"from": "answer.text", "to": "said.value"},
        {"from": "cited.value", "to": "places.value"},
    ],
}  # fmt: skip


def test_a_number_in_an_answer_leads_to_its_place_in_the_run_and_in_large(
    studio: Server, empty_page: Page
) -> None:
    page = empty_page
    put(studio, "citing", CITING)
    write(studio.home / "flows" / "oven.md", "The oven burns beech. Spruce is never burned there.")
    edit(studio, page, "citing", "said")
    run(page)
    said = finished(page).get_by_role("region", name="said")
    place = "Spruce is never burned there."
    expect(said.locator("mark")).to_have_count(0)
    said.get_by_role("button", name="Source 1").first.click()
    expect(said.locator("mark")).to_have_text(place)
    expect(said.locator("mark")).to_be_in_viewport()
    places = side(page).get_by_role("region", name="places")
    expect(places).to_contain_text("oven.md, page 2")
    expect(places.get_by_text("3", exact=True)).to_be_visible()
    shoot(page, "cited-in-the-run")
    said.get_by_role("button", name="Open in large").click()
    large = page.get_by_role("dialog")
    large.get_by_role("button", name="Source 1").first.click()
    expect(large.locator("mark")).to_have_text(place)


def test_what_can_be_pressed_does_not_look_like_text(page: Page) -> None:
    said = side(page).get_by_role("region", name="said")
    color = "element => getComputedStyle(element).color"
    link = said.get_by_role("button", name="Open in large").evaluate(color)
    assert link != said.get_by_role("heading").evaluate(color)


def test_the_last_value_of_a_port_is_seen_while_the_pointer_rests_on_it(page: Page) -> None:
    still(page)  # beside the dock, which has come
    peek = page.get_by_role("tooltip")
    page.locator('[data-port="prompt.text"]').hover()
    expect(peek).to_contain_text("Of this: # Embers")
    drawn = "(peek) => 12 * peek.getBoundingClientRect().width / peek.offsetWidth"
    assert peek.evaluate(drawn) >= 11.9, "letters of 12 pixels, however far the canvas is"
    shoot(page, "peek")
    page.locator('[data-port="prompt.source"]').hover()
    expect(peek).to_contain_text("# Embers")
    expect(peek).not_to_contain_text("Of this")
    page.mouse.move(2, 2)
    expect(peek).to_have_count(0)


def test_a_prompt_is_written_in_large_with_what_it_was_filled_with(
    studio: Server, page: Page
) -> None:
    node(page, "prompt").locator(".pb-head").click()
    tab(page, "Node")
    settings(page).get_by_role("button", name="Open Template in large").click()
    large = page.get_by_role("dialog")
    text = large.get_by_role("textbox", name="Template")
    expect(text).to_be_focused()
    expect(large.locator(".pb-variable")).to_have_text("{source}")
    expect(large.locator(".pb-filled")).to_contain_text("Of this: # Embers")
    expect(large.get_by_role("status").first).to_contain_text("tokens")
    page.keyboard.press("Control+End")
    page.keyboard.type(" Again: {so")
    expect(large.get_by_role("option", name="{source")).to_be_visible()
    page.wait_for_timeout(200)  # CodeMirror takes no key in the list's first 75 ms
    page.keyboard.press("Enter")
    expect(text).to_contain_text("Again: {source}")
    page.keyboard.press("Escape")
    expect(large).to_have_count(0)
    file = studio.home / "flows" / "large.json"

    def template() -> str:
        return str(read_flow(file).by_id()["prompt"].params["template"])

    wait_for(page, lambda: template().endswith("Again: {source}"))
    assert template() == "Of this: {source} Again: {source}"


def test_a_prompt_of_100_000_characters_is_written_in_large(studio: Server, page: Page) -> None:
    file = studio.home / "flows" / "long.json"
    long = ("Keep this sentence. " * 5_000)[:99_990] + " {source}"
    flow = json.loads(json.dumps(FLOW))
    flow["nodes"][4]["params"]["template"] = long
    write(file, json.dumps(flow))
    edit(studio, page, "long", "prompt")
    node(page, "prompt").locator(".pb-head").click()
    tab(page, "Node")
    settings(page).get_by_role("button", name="Open Template in large").click()
    large = page.get_by_role("dialog")
    expect(large.get_by_role("textbox", name="Template")).to_be_focused()
    page.keyboard.press("Control+End")
    expect(large.locator(".pb-variable")).to_have_text("{source}")
    page.keyboard.type(" and {more")
    page.keyboard.type("}")
    expect(large.get_by_role("status").first).to_contain_text("tokens")
    page.keyboard.press("Escape")
    expect(page.locator('[data-port="prompt.more"]')).to_be_visible()

    def template() -> str:
        return str(read_flow(file).by_id()["prompt"].params["template"])

    wait_for(page, lambda: template().startswith(long + " and {more"))  # all that was typed
