"""Documents that are dropped on the editor: they arrive, and a node reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.editor_page import (
    dock,
    drawn,
    menu,
    middle,
    node,
    nodes,
    shoot,
    still,
    tab,
)
from tests.browser.flow_files import put, wait_for
from tests.browser.harness import ROOT, Server

DOT = (ROOT / "studio" / "assets" / "icon.png").read_bytes()


def opened(studio: Server, page: Page, name: str, parts: list[dict[str, Any]]) -> Path:
    """Open a flow of these nodes."""
    layout = {part["id"]: {"x": 320 * n, "y": 0} for n, part in enumerate(parts)}
    flow = {"format": 1, "name": name, "nodes": parts, "edges": [], "layout": layout}
    path = put(studio, name, flow)
    page.goto(f"{studio.url}/editor?flow={name}")
    expect(page.locator(".pb-canvas")).to_be_visible()
    if not parts:
        expect(page.get_by_text("Start with these five")).to_be_visible()  # the flow is open
    expect(nodes(page)).to_have_count(len(parts))
    return path


def drop(page: Page, files: list[Path], onto: Locator) -> None:
    """Let files go in the middle of an element, held over it before."""
    still(page)
    x, y = middle(onto)
    at = {"x": x, "y": y}
    data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
    session = page.context.new_cdp_session(page)
    for step in ("dragEnter", "dragOver"):
        session.send("Input.dispatchDragEvent", {"type": step, **at, "data": data})
    expect(page.get_by_text("Drop documents to give them to the flow")).to_be_visible()
    session.send("Input.dispatchDragEvent", {"type": "drop", **at, "data": data})
    session.detach()


def saved(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_a_folder_of_documents_becomes_a_node_that_reads_it(
    studio: Server, page: Page, tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    (notes / "deep").mkdir(parents=True)
    (notes / "a.md").write_text("# Ada")
    (notes / "deep" / "b.txt").write_text("Grace")
    (notes / "c.exe").write_text("no")
    path = opened(studio, page, "drop-folder", [])
    drop(page, [notes], page.locator(".pb-canvas"))
    expect(node(page, "load-documents")).to_contain_text("documents/drop-folder/notes")
    expect(page.get_by_text("Nothing here reads c.exe.")).to_be_visible()
    shoot(page, "documents-refused")
    page.locator(".pb-intake").get_by_role("button", name="Close").click()
    expect(page.locator(".pb-intake")).to_have_count(0)
    folder = studio.home / "flows" / "documents" / "drop-folder" / "notes"
    assert {p.name: p.read_text() for p in folder.rglob("*") if p.is_file()} == {
        "a.md": "# Ada", "b.txt": "Grace",
    }  # fmt: skip
    wait_for(page, lambda: bool(saved(path)["nodes"]))
    (made,) = saved(path)["nodes"]
    assert (made["kind"], made["params"]) == (
        "retrieval.load", {"path": "documents/drop-folder/notes"},
    )  # fmt: skip


def test_a_document_that_is_there_is_asked_about(
    studio: Server, page: Page, tmp_path: Path
) -> None:
    opened(studio, page, "drop-again", [{"id": "load", "kind": "retrieval.load", "params": {}}])
    file = tmp_path / "a.md"
    file.write_text("one")
    drop(page, [file], node(page, "load"))
    expect(node(page, "load")).to_contain_text("documents/drop-again/a.md")
    expect(nodes(page)).to_have_count(1)
    file.write_text("two")
    drop(page, [file], node(page, "load"))
    asks = page.get_by_role("group", name="a.md is there already")
    expect(asks).to_be_visible()
    shoot(page, "documents-asks")
    asks.get_by_role("button", name="Keep both").click()
    expect(node(page, "load")).to_contain_text("documents/drop-again")
    expect(page.locator(".pb-intake")).to_have_count(0)
    folder = studio.home / "flows" / "documents" / "drop-again"
    both = {"a.md": "one", "a (2).md": "two"}
    wait_for(page, lambda: {p.name: p.read_text() for p in folder.iterdir()} == both)


def test_a_picture_over_the_panel_becomes_a_node_in_sight(
    studio: Server, page: Page, tmp_path: Path
) -> None:
    opened(studio, page, "drop-picture", [])
    file = tmp_path / "dot.png"
    file.write_bytes(DOT)
    tab(page, "Run")
    drop(page, [file], dock(page))
    expect(node(page, "read-picture")).to_contain_text("pictures/drop-picture/dot.png")
    expect(node(page, "read-picture")).to_be_in_viewport()


def test_all_that_is_dropped_lies_free_and_in_view(
    studio: Server, page: Page, tmp_path: Path
) -> None:
    there = [{"id": f"given-{number}", "kind": "io.value", "params": {}} for number in range(2)]
    opened(studio, page, "drop-many", there)
    many = tmp_path / "many"
    many.mkdir()
    (many / "a.md").write_text("# Ada")
    (many / "dot.png").write_bytes(DOT)
    tab(page, "Run")
    drop(page, [many], page.locator(".pb-canvas"))
    expect(nodes(page)).to_have_count(4)
    expect(node(page, "read-picture")).to_be_visible()
    still(page)
    boxes = [box for one in nodes(page).all() if (box := one.bounding_box())]
    palette = page.locator(".pb-palette").bounding_box()
    beside = dock(page).bounding_box()
    assert palette is not None
    assert beside is not None
    for name in ("load-documents", "read-picture"):
        box = node(page, name).bounding_box()
        assert box is not None
        assert palette["x"] + palette["width"] <= box["x"]
        assert box["x"] + box["width"] <= beside["x"]
    for box in boxes:
        assert not [
            other for other in boxes if other is not box
            and other["x"] < box["x"] + box["width"] and box["x"] < other["x"] + other["width"]
            and other["y"] < box["y"] + box["height"] and box["y"] < other["y"] + other["height"]
        ]  # fmt: skip


def test_documents_are_chosen_by_keyboard(studio: Server, page: Page, tmp_path: Path) -> None:
    opened(studio, page, "drop-keys", [])
    file = tmp_path / "a.csv"
    file.write_text("name\nAda\n")
    with page.expect_file_chooser() as chooser:
        page.locator(".pb-canvas").press("o")
    chooser.value.set_files(file)
    expect(node(page, "load-documents")).to_contain_text("documents/drop-keys/a.csv")


def test_how_documents_are_read_cut_and_found_is_seen_before_a_model_runs(
    studio: Server, page: Page
) -> None:
    folder = studio.home / "flows" / "drop-wood"
    folder.mkdir()
    (folder / "oven.md").write_text(
        "# Oven\n\nBeech burns well.\n\n# Never\n\nYew is never burned."
    )
    (folder / "bees.md").write_text("# Bees\n\nThe bees live in the lime tree.")
    (folder / "torn.pdf").write_bytes(b"torn")
    load = {"id": "load", "kind": "retrieval.load", "params": {"path": "drop-wood"}}
    cut = {"id": "cut", "kind": "retrieval.split", "params": {"by": "headings"}}
    opened(studio, page, "drop-view", [load, cut])
    node(page, "load").click(button="right")
    menu(page, "See the documents…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("3 files")).to_be_visible()
    expect(dialog.get_by_text("torn.pdf").first).to_be_visible()
    expect(dialog.get_by_text("cannot be read").first).to_be_visible()
    shoot(page, "documents-files")
    drawn(page)
    dialog.get_by_role("tab", name="Try a query").click()
    dialog.get_by_role("textbox", name="Query").fill("Which wood is never burned?")
    dialog.get_by_role("textbox", name="Query").press("Enter")
    expect(dialog.get_by_text("torn.pdf").last).to_be_visible()
    expect(dialog.get_by_text("cannot be read").last).to_be_visible()
    (folder / "torn.pdf").unlink()
    drawn(page)
    page.locator(".st-key-documents-search").get_by_role("button").click()
    expect(dialog.get_by_role("tab", name="By words (BM25)")).to_be_visible()
    expect(dialog.get_by_text("Yew is never burned.").first).to_be_visible()
    shoot(page, "documents-query")
