"""Files that flows come in and go out by: dropped, imported, exported, uploaded."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from patchbay.flows.document.reading import read_flow
from patchbay.flows.document.writing import canonical_text
from patchbay.nodes.catalog import load_catalog
from patchbay.studio.documents.importing import flow_from
from patchbay.studio.pictures.picture import draw
from tests.browser.editor_page import (
    drawn,
    edit,
    finished,
    front,
    node,
    nodes,
    popover,
    run,
    side,
    tab,
    templates,
)
from tests.browser.flow_files import SAVED, put, wait_for
from tests.browser.harness import Server

FOREIGN = {
    "nodes": [
        {
            "id": name,
            "position": {"x": 300 * number, "y": 0},
            "type": "customNode",
            "data": {"id": name, "name": kind, "label": label, "inputs": inputs},
        }
        for number, (name, kind, label, inputs) in enumerate(
            [
                ("m_0", "chatOpenAI", "ChatOpenAI", {"modelName": "gpt-4o-mini"}),
                ("c_0", "conversationChain", "Conversation Chain", {}),
                ("f_0", "customFunction", "Custom JS", {"javascriptFunction": "return 1"}),
            ]
        )
    ],
    "edges": [
        {
            "source": "m_0",
            "target": "c_0",
            "sourceHandle": "m_0-output-chatOpenAI-A",
            "targetHandle": "c_0-input-model-A",
        }
    ],
}


def test_a_flow_that_is_dropped_on_the_editor_opens(
    studio: Server, page: Page, tmp_path: Path
) -> None:
    put(studio, "under")
    edit(studio, page, "under")
    flow = read_flow(SAVED / "classify.json")
    picture = tmp_path / "dropped.png"
    picture.write_bytes(draw(flow, load_catalog()).png(canonical_text(flow)))
    broken = tmp_path / "broken.json"
    broken.write_text('{"format": 1, "nodes": [}', "utf-8")
    canvas = page.locator(".pb-canvas")
    dropped(page, canvas, broken, hold=True)
    expect(page.get_by_text("or a flow to open it")).to_be_visible()
    dropped(page, canvas, broken)
    expect(page.locator(".pb-notice")).to_contain_text("Not JSON at line 1")
    expect(page).to_have_url(re.compile("flow=under"))
    tab(page, "Run")
    dropped(page, side(page), picture)
    expect(page).to_have_url(re.compile(r"/editor\?flow=dropped"))
    expect(nodes(page)).to_have_count(len(flow.nodes))
    assert read_flow(studio.home / "flows" / "dropped.json") == flow


def test_a_flow_of_another_builder_that_is_dropped_comes_with_its_report(
    studio: Server, page: Page, tmp_path: Path
) -> None:
    put(studio, "below")
    edit(studio, page, "below")
    file = tmp_path / "Support.json"
    file.write_text(json.dumps(FOREIGN), "utf-8")
    dropped(page, page.locator(".pb-canvas"), file)
    report = page.get_by_role("dialog")
    expect(report.get_by_text("What became of the file")).to_be_visible()
    expect(report.get_by_text("1 refused")).to_be_visible()
    expect(report.get_by_text("JavaScript", exact=False).first).to_be_visible()
    report.get_by_role("button", name="Close").click()
    expect(report).to_be_hidden()
    expect(page).to_have_url(re.compile(r"/editor\?flow=support"))
    names = {node.kind for node in read_flow(studio.home / "flows" / "support.json").nodes}
    assert {"model.provider", "model.ask", "flowise:customFunction"} <= names
    expect(nodes(page).first).to_be_visible()


def test_the_import_dialog_shows_the_report_and_opens_the_flow(studio: Server, page: Page) -> None:
    page.goto(studio.url)
    expect(templates(page).first).to_be_visible()
    drawn(page)
    page.get_by_role("button", name="Import").click()
    dialog = page.get_by_role("dialog")
    box = dialog.get_by_role("textbox")
    box.fill(json.dumps({**FOREIGN, "name": "Pasted there"}))
    box.press("Control+Enter")
    drawn(page)
    dialog.get_by_role("button", name="Import").click()
    report = page.get_by_role("dialog").filter(has_text="What became of the file")
    expect(report.get_by_text("Pasted there")).to_be_visible()
    report.get_by_role("button", name="Open", exact=True).click()
    expect(page).to_have_url(re.compile(r"/editor\?flow=pasted-there"))
    expect(nodes(page).first).to_be_visible()


def test_the_canvas_exports_what_it_shows(studio: Server, page: Page, tmp_path: Path) -> None:
    path = put(studio, "carried")
    edit(studio, page, "carried")
    node(page, "prompt").click()
    page.keyboard.press("F2")
    page.keyboard.type("Exported name")
    page.keyboard.press("Enter")
    for form in ("JSON", "PNG", "SVG"):
        page.get_by_role("toolbar", name="Edit").get_by_role("button", name="Export").click()
        with page.expect_download() as download:
            page.get_by_role("menuitem", name=f"Export as {form}").click()
        target = tmp_path / download.value.suggested_filename
        download.value.save_as(target)
        assert target.name == f"carried.{form.lower()}"
        exported = flow_from(target.read_bytes())
        assert exported.node("prompt").title == "Exported name"
    wait_for(page, lambda: path.read_text("utf-8") == canonical_text(exported))
    assert (tmp_path / "carried.json").read_text("utf-8") == canonical_text(exported)


def test_exported_pictures_and_json_open_again(studio: Server, page: Page, tmp_path: Path) -> None:
    path = put(studio, "export", saved="classify")
    edit(studio, page, "export")
    flow = read_flow(path)
    for label in (
        "Flow (JSON)",
        "Picture (PNG, opens as a flow)",
        "Picture (SVG, opens as a flow)",
    ):
        page.get_by_test_id("stPopoverButton").filter(has_text="Export").click()
        with page.expect_download() as download:
            page.get_by_role("button", name=label).click()
        target = tmp_path / download.value.suggested_filename
        download.value.save_as(target)
        assert flow_from(target.read_bytes()) == flow
        page.keyboard.press("Escape")
        expect(popover(page)).to_be_hidden()
    assert (tmp_path / "export.json").read_text("utf-8") == path.read_text("utf-8")

    page.goto(studio.url)
    broken = tmp_path / "broken.json"
    broken.write_text('{"format": 1, "nodes": [}', "utf-8")
    before = sorted((studio.home / "flows").iterdir())
    drop(page, broken)
    expect(page.get_by_text("Not JSON at line 1")).to_be_visible()
    assert [path for path in sorted((studio.home / "flows").iterdir()) if path not in before] == []
    drop(page, tmp_path / "export.png")
    expect(page).to_have_url(re.compile(r"/editor\?flow=export-2"))
    expect(nodes(page)).to_have_count(len(flow.nodes))
    assert read_flow(studio.home / "flows" / "export-2.json") == flow


def drop(page: Page, file: Path) -> None:
    """Drop a file on the flows page, as from a file manager."""
    expect(templates(page).first).to_be_visible()  # who takes it is there
    dropped(page, page.locator("body"), file)


def dropped(page: Page, area: Locator, file: Path, *, hold: bool = False) -> None:
    """Drop a file somewhere, or only hold it there."""
    data = base64.b64encode(file.read_bytes()).decode()
    carried = page.evaluate_handle(
        """([data, name]) => {
            const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
            const carried = new DataTransfer();
            carried.items.add(new File([bytes], name, { type: "image/png" }));
            return carried;
        }""",
        [data, file.name],
    )
    for event in ("dragenter", "dragover", *(() if hold else ("drop",))):
        area.dispatch_event(event, {"dataTransfer": carried})


def test_a_broken_import_is_refused_in_words(studio: Server, page: Page) -> None:
    before = sorted((studio.home / "flows").iterdir())
    page.goto(studio.url)
    expect(templates(page).first).to_be_visible()
    drawn(page)
    page.get_by_role("button", name="Import").click()
    dialog = page.get_by_role("dialog")
    box = dialog.get_by_role("textbox")
    box.fill('{"format": 1, "nodes": [{"id": "1x", "kind": 3}],}')
    box.press("Control+Enter")
    drawn(page)
    dialog.get_by_role("button", name="Import").click()
    expect(dialog.get_by_text("cannot be imported")).to_be_visible()
    expect(dialog.get_by_text("Not JSON at line 1")).to_be_visible()
    assert sorted((studio.home / "flows").iterdir()) == before


def test_a_flow_takes_a_file_that_is_uploaded(studio: Server, page: Page, tmp_path: Path) -> None:
    flow = {
        "format": 1,
        "name": "Reads",
        "nodes": [
            {"id": "ask", "kind": "io.input", "params": {"name": "paper", "kind": "file"}},
            {"id": "read", "kind": "io.read_file"},
            {"id": "answer", "kind": "io.output"},
        ],
        "edges": [
            {"from": "ask.value", "to": "read.file"},
            {"from": "read.text", "to": "answer.value"},
        ],
    }
    put(studio, "reads", flow)
    edit(studio, page, "reads")
    run(page)  # asks for what is missing
    expect(front(page)).to_have_text("Run")
    given = tmp_path / "note.txt"
    given.write_text("Plain words from a file.", "utf-8")
    side(page).locator("input[type=file]").set_input_files(given)
    expect(side(page).get_by_text("note.txt")).to_be_visible()
    wait_for(page, lambda: any((studio.home / "uploads").glob("*/note.txt")))
    run(page)
    finished(page)
    expect(side(page).get_by_text("Plain words from a file.").first).to_be_visible()
