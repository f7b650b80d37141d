"""What nodes give is shown as what it is: tables, charts, pictures, documents, agents' steps."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, Locator, Page, Request, expect
from playwright.sync_api import Error as PlaywrightError

from tests.browser.editor_page import (
    dock,
    drawn,
    edit,
    icon,
    middle,
    open_latest_run,
    shoot,
    tab,
    toolbar,
)
from tests.browser.editor_page import run as press_run
from tests.browser.harness import ROOT, Server, another, heard, let_in, serve
from tests.needs import needs
from tests.paths import python_path


def plugin(folder: Path, nodes: str = "tests.flows.runs.figures:NODES") -> Path:
    """An installed package, as far as Python can tell, that offers the nodes."""
    info = folder / "patchbay_figures-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: patchbay-figures\nVersion: 1.0\n", encoding="utf-8"
    )
    (info / "entry_points.txt").write_text(f"[patchbay.nodes]\ntest = {nodes}\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("displays")
    (home / "flows").mkdir()
    paths = python_path(plugin(home / "plugin"), ROOT)
    with serve(ROOT / "studio" / "app.py", home, env={"PYTHONPATH": paths}) as server:
        yield server


@pytest.fixture
def page(studio: Server, empty_page: Page) -> Iterator[Page]:
    """A tab in which nothing but the studio is asked for anything, and no script of a flow runs."""
    empty_page.set_viewport_size({"width": 1400, "height": 1000})
    strangers: list[str] = []
    wrong: list[str] = []

    def asked(request: Request) -> None:
        own = (studio.url, studio.url.replace("http", "ws"), "data:", "blob:")
        if not request.url.startswith(own):
            strangers.append(request.url)

    def failed(error: PlaywrightError) -> None:
        wrong.append(str(error))

    def opened(dialog: Dialog) -> None:
        wrong.append(dialog.message)

    with heard(empty_page, request=asked, pageerror=failed, dialog=opened):
        yield empty_page
    assert strangers == []
    assert wrong == []


def put(studio: Server, name: str, kind: str, ports: list[str], **params: Any) -> None:
    """A flow of one node, each port of which is an output."""
    nodes: list[dict[str, Any]] = [{"id": "it", "kind": kind, "params": params}]
    nodes += [{"id": p, "kind": "io.output", "params": {"name": p}} for p in ports]
    edges = [{"from": f"it.{port}", "to": f"{port}.value"} for port in ports]
    flow = {"format": 1, "name": name, "nodes": nodes, "edges": edges}
    (studio.home / "flows" / f"{name}.json").write_text(json.dumps(flow), "utf-8")


def run(studio: Server, page: Page, name: str) -> Locator:
    """Open the editor on a flow, run it, and give its right panel."""
    edit(studio, page, name, "it")
    return press_run(page)


def test_tables_charts_and_pictures_are_drawn(studio: Server, page: Page) -> None:
    put(studio, "figures", "test.figures", ["table", "bars", "lines", "picture"])
    side = run(studio, page, "figures")
    expect(side.get_by_text("Finished").first).to_be_visible()
    outputs = side.locator(".pb-ran > .pb-result")
    expect(outputs.get_by_text("Accuracy of **three** strategies")).to_be_visible()
    expect(outputs.get_by_role("table").first).to_contain_text("few-shot")
    charts = outputs.locator(".pb-chart")
    expect(charts).to_have_count(2)
    expect(charts.first.locator("svg").first).to_be_visible()
    expect(outputs.get_by_text("A gradient")).to_be_visible()
    picture = outputs.locator(".pb-picture img")
    expect(picture.first).to_have_js_property("naturalWidth", 96)
    # All of it is longer than the window: the panel scrolls, and the canvas stays where it is.
    scrolls = "(panel) => panel.scrollHeight > panel.clientHeight"
    page.wait_for_function(scrolls, arg=side.element_handle())


def test_columns_stand_below_their_names_however_long_a_text_is(studio: Server, page: Page) -> None:
    """Each row was as wide as its own text, so that words and names lay far out of sight."""
    put(studio, "mask", "train.instruction_data", ["preview"], system="Be brief. " * 60)
    outputs = run(studio, page, "mask").locator(".pb-ran > .pb-result")
    table = outputs.get_by_role("table")
    expect(table).to_contain_text("positive")
    assert table.evaluate(
        """(table) => {
            const left = (cell) => cell.getBoundingClientRect().left
            const lefts = (row) => [...row.children].map(left)
            const rows = [...table.querySelectorAll("[role=row]")].map(lefts)
            return rows.length > 3 && rows.every((row) => String(row) === String(rows[0]))
        }"""
    )
    text = table.get_by_role("columnheader", name="text").bounding_box()
    whole = table.bounding_box()
    assert text is not None
    assert whole is not None
    assert text["x"] < whole["x"] + whole["width"] - 40
    expect(table.locator(".is-learned").first).to_contain_text("learned")


def test_what_is_pointed_at_in_a_chart_can_be_read_in_the_dark(studio: Server, page: Page) -> None:
    """The library's notes are white in every theme, and their words are those of the page."""
    put(studio, "curves", "test.figures", ["lines"])
    page.emulate_media(color_scheme="dark")
    try:
        side = run(studio, page, "curves")
        expect(side.get_by_text("Finished").first).to_be_visible()  # and grows no more
        chart = side.locator(".pb-ran > .pb-result .pb-chart")
        drawing = chart.locator("svg:has([aria-label=line])")
        expect(drawing.locator("[aria-label='y-grid']")).to_be_visible()
        drawing.hover()  # also where it is drawn anew meanwhile
        x, y = middle(drawing)
        page.mouse.move(x + 2, y)
        note = drawing.locator("[aria-label=tip] path")
        expect(note.first).to_be_visible()
        ground, words = note.first.evaluate(
            "(path) => [getComputedStyle(path).fill, getComputedStyle(path.ownerSVGElement).color]"
        )
        assert bright(words) - bright(ground) > 300, (ground, words)
    finally:
        page.emulate_media(color_scheme="light")


def bright(color: str) -> int:
    """Red, green and blue of `rgb(…)`, added up."""
    return sum(int(part) for part in re.findall(r"\d+", color)[:3])


def test_documents_come_with_their_scores_and_sources(studio: Server, page: Page) -> None:
    put(studio, "documents", "test.figures", ["documents", "texts"])
    side = run(studio, page, "documents")
    expect(side.get_by_text("Finished").first).to_be_visible()
    second = side.locator(".found").nth(1)
    for words in ("0.620", "malmö.md", "heading: Harbours", "Malmö is a city"):
        expect(second).to_contain_text(words)
    expect(side.get_by_text("570 more are not shown here.")).to_be_visible()


def test_the_steps_of_agents_show_as_they_happen_and_afterwards(studio: Server, page: Page) -> None:
    answered = studio.home / "answered"
    put(studio, "crew", "test.crew", ["text"], until=str(answered))
    side = run(studio, page, "crew")
    live = side.locator(".row.running + .trace")
    expect(live.locator(".step")).to_have_count(4)
    expect(live.locator(".step").nth(1)).to_contain_text("calculator")
    thought = live.locator(".step.is-thought details")  # folded, however short
    expect(thought).to_have_count(1)
    assert thought.get_attribute("open") is None
    expect(thought.locator("summary")).to_have_text("21 characters")
    answered.touch()
    expect(side.get_by_text("Finished").first).to_be_visible()
    expect(side.get_by_text("0.21 s to first · 38 tokens/s").first).to_be_visible()
    side.locator("details.pb-step").filter(has_text="169 tokens").locator("summary").first.click()
    steps = side.locator(".trace .step")
    expect(steps).to_have_count(5)
    expect(steps.last).to_contain_text("<img src=x onerror=alert(1)> It is 391.")
    expect(side.get_by_text("Researcher 4 steps, 1 tool call, 49 tokens")).to_be_visible()


def test_a_run_goes_on_through_a_reload_and_only_for_its_owner(
    studio: Server, page: Page, browser: Browser
) -> None:
    answered = studio.home / "reloaded"
    put(studio, "reload", "test.crew", ["text"], until=str(answered))
    side = run(studio, page, "reload")
    expect(side.get_by_text("It is")).to_be_visible()
    page.reload()
    expect(toolbar(page, "Stop")).to_be_visible()
    tab(page, "Run")
    expect(side.get_by_text("It is")).to_be_visible()

    stranger = let_in(another(browser)).new_page()
    stranger.goto(f"{studio.url}/editor?flow=reload")
    expect(toolbar(stranger, "Run")).to_be_visible()
    tab(stranger, "Run")
    expect(stranger.locator(".pb-dock-body").get_by_text("will show here")).to_be_visible()
    stranger.goto(f"{studio.url}/runs")
    expect(stranger.get_by_text("Nothing has been run yet")).to_be_visible()
    stranger.context.close()

    answered.touch()  # the run went on all the time
    expect(side.get_by_text("Finished").first).to_be_visible()
    expect(side.get_by_text("It is 391.").first).to_be_visible()


def test_a_file_that_is_open_stays_when_its_run_ends(studio: Server, page: Page) -> None:
    answered = studio.home / "read"
    path = studio.home / "flows" / "reading.json"
    put(studio, "reading", "test.crew", ["text"], until=str(answered))
    flow = json.loads(path.read_text("utf-8"))
    given = {"name": "notes", "kind": "json"}
    flow["nodes"] += [{"id": "notes", "kind": "io.input", "params": given},
                      {"id": "same", "kind": "io.output", "params": {"name": "same"}}]  # fmt: skip
    flow["edges"].append({"from": "notes.value", "to": "same.value"})
    path.write_text(json.dumps(flow), "utf-8")
    edit(studio, page, "reading", "it")
    tab(page, "Run")
    dock(page).get_by_label("notes").fill('{"/oven.md": "The oven burns beech."}')
    press_run(page)
    expect(dock(page).get_by_text("It is")).to_be_visible()
    open_latest_run(studio, page)
    page.locator("[class*=st-key-files]").get_by_role("button").first.click()
    file = page.get_by_role("dialog")
    expect(file).to_contain_text("The oven burns beech.")
    answered.touch()
    expect(page.get_by_text("Finished", exact=True)).to_be_visible()
    page.wait_for_timeout(2000)  # as the page would have been drawn anew several times by then
    expect(file).to_contain_text("The oven burns beech.")
    file.get_by_role("button", name="Close").click()
    expect(file).to_have_count(0)
    expect(page.get_by_role("button", name="Run again")).to_be_visible()


def test_the_runs_page_steps_through_what_agents_did(studio: Server, page: Page) -> None:
    put(studio, "past", "test.crew", ["text"])
    side = run(studio, page, "past")
    expect(side.get_by_text("Finished").first).to_be_visible()
    open_latest_run(studio, page)
    expect(page.get_by_text("38 tokens/s").first).to_be_visible()
    drawn(page)
    slider = page.get_by_role("slider")
    for place in range(int(slider.input_value()) - 1, 6, -1):  # the node's end is event 7
        icon(page, "earlier").click()
        expect(slider).to_have_value(str(place))
    expect(page.get_by_text("node finished it")).to_be_visible()
    steps = page.locator(".trace .step")
    expect(steps).to_have_count(5)
    expect(steps.nth(2)).to_contain_text("391")


@needs("deepagents")
def test_the_files_of_a_deep_agent_are_shown_while_it_waits(studio: Server, page: Page) -> None:
    """They are known before the run has an output; what it writes lies beside the flow then."""
    folder = studio.home / "flows" / "notes"
    folder.mkdir()
    (folder / "oven.txt").write_text("The oven burns beech.", "utf-8")
    call = {"tool": "write_file", "input": {"file_path": "/note.md", "content": "# Beech only"}}
    lines = [["write_file gives", '{"answer": "It is written."}'], ["Write", json.dumps(call)]]
    asking = {"folder": "notes", "save": "ask", "planning": False}
    task = {"name": "task", "default": "Write a note."}
    flow = {
        "format": 1,
        "name": "writer",
        "nodes": [
            {"id": "task", "kind": "io.input", "params": task},
            {"id": "model", "kind": "test.script", "params": {"lines": lines}},
            {"id": "agent", "kind": "agent.deep", "params": asking},
            {"id": "answer", "kind": "io.output", "params": {"name": "answer"}},
        ],
        "edges": [
            {"from": "task.value", "to": "agent.prompt"},
            {"from": "model.model", "to": "agent.model"},
            {"from": "agent.text", "to": "answer.value"},
        ],
    }
    (studio.home / "flows" / "writer.json").write_text(json.dumps(flow), "utf-8")
    edit(studio, page, "writer", "agent")
    side = press_run(page)
    expect(side.get_by_text("Save 1 file in notes?").first).to_be_visible()
    expect(side.get_by_text("Files so far")).to_be_visible()
    files = side.get_by_role("list", name="Files")
    expect(files).to_contain_text("/note.md 12 B")
    shoot(page, "files-so-far")
    files.get_by_text("/note.md").click()
    expect(files.get_by_text("# Beech only")).to_be_visible()
    shoot(page, "files-so-far-open")
    assert not (folder / "note.md").exists(), "nobody has agreed"
    side.get_by_role("button", name="Approve").click()
    expect(side.get_by_text("It is written.").first).to_be_visible()
    assert (folder / "note.md").read_text("utf-8") == "# Beech only"
