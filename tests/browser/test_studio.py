"""The studio as a person uses it: a real Chromium, the real server, the real model."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from patchbay.flows.document.reading import read_flow
from patchbay.flows.document.writing import canonical_text
from patchbay.nodes.catalog import load_catalog
from patchbay.nodes.weights.manifest import DEFAULT
from patchbay.nodes.weights.resolve import resolve
from patchbay.studio.documents.importing import flow_from
from patchbay.studio.pictures.picture import draw
from tests.browser.editor_page import dock, front, settings, side, tab
from tests.browser.harness import ROOT, Server, let_in, serve

pytestmark = pytest.mark.xdist_group("browser")
SLOW = 60_000
DRAWN = re.compile("^data:image/svg")
SAVED = ROOT / "flows" / "saved"

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
"""A chatflow of Flowise."""


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One studio for all of these tests; each uses flows of its own."""
    home = tmp_path_factory.mktemp("studio")
    (home / "flows").mkdir()
    with serve(ROOT / "studio" / "app.py", home) as server:
        yield server


@pytest.fixture
def page(studio: Server, context: BrowserContext) -> Iterator[Page]:
    """A tab in a fresh profile. Nothing but the studio may be asked for anything."""
    context.set_default_timeout(SLOW)
    page = context.new_page()
    strangers: list[str] = []
    errors: list[str] = []

    def asked(url: str) -> None:
        if not url.startswith((studio.url, studio.url.replace("http", "ws"), "data:", "blob:")):
            strangers.append(url)

    page.on("request", lambda request: asked(request.url))
    page.on("websocket", lambda socket: asked(socket.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert strangers == []
    assert errors == []


def put(studio: Server, name: str, flow: dict[str, Any] | None = None, saved: str = "ask") -> Path:
    """A flow file in the person's folder."""
    path = studio.home / "flows" / f"{name}.json"
    text = json.dumps(flow) if flow else (SAVED / f"{saved}.json").read_text("utf-8")
    path.write_text(text, "utf-8")
    return path


def long_story(studio: Server, name: str) -> Path:
    """A flow whose answer takes many seconds, and is never taken from the cache."""
    flow = json.loads((SAVED / "ask.json").read_text("utf-8"))
    for node in flow["nodes"]:
        if node["id"] == "prompt":
            node["params"]["template"] = "Write a very long story about this: {question}"
        if node["id"] == "ask":
            node["params"]["max_tokens"] = 700
            node["run"] = {"cache": "never"}
    return put(studio, name, flow)


def edit(studio: Server, page: Page, name: str) -> None:
    """Open the editor on a flow and wait until its canvas is there."""
    page.goto(f"{studio.url}/editor?flow={name}")
    expect(node(page, "answer")).to_be_visible(timeout=SLOW)


def node(page: Page, node_id: str) -> Any:
    """A node on the canvas."""
    return page.locator(f'.react-flow__node[data-id="{node_id}"]')


def toolbar(page: Page, name: str) -> Any:
    """A button of the toolbar."""
    return page.locator(".st-key-toolbar-row").get_by_role("button", name=name, exact=True)


def icon(page: Page, key: str) -> Any:
    """A button that shows an icon only."""
    return page.locator(f".st-key-{key} button:visible").first


def test_from_template_to_a_streaming_answer(studio: Server, page: Page) -> None:
    page.goto(studio.url)
    card = page.locator(".card").filter(has_text="Ask a question")
    expect(card.locator("img")).to_have_attribute("src", DRAWN)
    last = page.locator(".card img").last
    expect(last).not_to_have_attribute("src", DRAWN)  # drawn when it comes into sight
    last.scroll_into_view_if_needed()
    expect(last).to_have_attribute("src", DRAWN)
    card.get_by_role("button", name="Use template").click()
    expect(node(page, "answer")).to_be_visible(timeout=SLOW)
    expect(page).to_have_url(re.compile(r"/editor\?flow=ask"))
    toolbar(page, "Run").click()
    expect(side(page).get_by_text("Finished").first).to_be_visible(timeout=SLOW)
    expect(side(page).get_by_text("Copenhagen").first).to_be_visible()
    expect(node(page, "ask")).to_contain_text("Copenhagen")
    expect(toolbar(page, "Run")).to_be_visible()


def test_templates_are_looked_at_searched_and_chosen_by_topic(studio: Server, page: Page) -> None:
    page.goto(studio.url)
    cards = page.locator(".card")
    expect(cards).to_have_count(len(list(SAVED.glob("*.json"))))
    page.get_by_role("radio", name="Agents", exact=True).click()
    expect(cards.filter(has_text="Ask a question")).to_have_count(0)
    expect(cards.first).to_be_visible()
    page.get_by_role("searchbox", name="Search").fill("smallest useful")
    expect(page.get_by_text("No template about Agents matches the search.")).to_be_visible()
    expect(cards).to_have_count(0)
    page.get_by_role("radio", name="Agents", exact=True).click()
    expect(cards).to_have_count(1)
    page.get_by_role("radio", name="Prompts", exact=True).focus()  # one of the many, by keyboard
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(page.get_by_role("radio", name="Models", exact=True)).to_be_checked()
    expect(cards).to_have_count(1)
    cards.get_by_role("button", name="Look").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Ask a question")).to_be_visible()
    dialog.get_by_role("button", name="Use template").click()
    expect(node(page, "answer")).to_be_visible(timeout=SLOW)


def test_chat_streams_and_keeps_its_history(studio: Server, page: Page) -> None:
    long_story(studio, "chat")
    edit(studio, page, "chat")
    tab(page, "Chat")
    page.get_by_test_id("stChatInputTextArea").fill("a lighthouse")
    page.keyboard.press("Enter")
    answer = side(page).locator(".answer")
    expect(answer).not_to_be_empty(timeout=SLOW)
    before = answer.inner_text()
    page.wait_for_function(
        "([old]) => { const host = [...document.querySelectorAll('.st-key-side *')]"
        ".map((e) => e.shadowRoot?.querySelector('.answer')).find(Boolean);"
        "return host && host.textContent.length > old.length }",
        arg=[before],
    )
    side(page).get_by_role("button", name="Stop").click()
    expect(side(page).get_by_text("Stopped.")).to_be_visible()
    expect(side(page).get_by_test_id("stChatMessage")).to_have_count(2)
    page.reload()
    tab(page, "Chat")
    asked = side(page).get_by_test_id("stChatMessage").first
    expect(asked.get_by_text("a lighthouse", exact=True)).to_be_visible()


def test_a_chat_sends_what_was_said_before_where_the_flow_takes_messages(
    studio: Server, page: Page
) -> None:
    flow = json.loads((SAVED / "chat.json").read_text("utf-8"))
    # What goes in comes out, so that the answer shows what the flow was given.
    flow["nodes"] = [item for item in flow["nodes"] if item["id"] in ("conversation", "answer")]
    flow["edges"] = [{"from": "conversation.value", "to": "answer.value"}]
    put(studio, "talk", flow)
    edit_any(studio, page, "talk")
    tab(page, "Chat")
    expect(side(page).get_by_text("sees the whole conversation")).to_be_visible()
    box = page.get_by_test_id("stChatInputTextArea")
    for number, words in enumerate(("My name is Ada.", "What is my name?"), 1):
        box.fill(words)
        page.keyboard.press("Enter")
        expect(side(page).get_by_test_id("stChatMessage")).to_have_count(2 * number)
        expect(side(page).locator(".answer")).to_have_count(0)
    last = side(page).get_by_test_id("stChatMessage").last
    expect(last.get_by_text("My name is Ada.").first).to_be_visible()
    expect(last.get_by_text("What is my name?", exact=True)).to_be_visible()
    put(studio, "forgets")
    edit(studio, page, "forgets")
    tab(page, "Chat")
    expect(side(page).get_by_text("sees each message alone")).to_be_visible()


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
    expect(page.get_by_text("Drop the flow to open it")).to_be_visible()
    dropped(page, canvas, broken)
    expect(page.locator(".pb-notice")).to_contain_text("file/not-json")
    expect(page).to_have_url(re.compile("flow=under"))
    tab(page, "Run")
    dropped(page, side(page), picture)
    expect(page).to_have_url(re.compile(r"/editor\?flow=dropped"), timeout=SLOW)
    expect(page.locator(".react-flow__node")).to_have_count(len(flow.nodes), timeout=SLOW)
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
    expect(report.get_by_text("What became of the file")).to_be_visible(timeout=SLOW)
    expect(report.get_by_text("1 refused")).to_be_visible()
    expect(report.get_by_text("JavaScript", exact=False).first).to_be_visible()
    report.get_by_role("button", name="Close").click()
    expect(report).to_be_hidden()
    expect(page).to_have_url(re.compile(r"/editor\?flow=support"), timeout=SLOW)
    names = {node.kind for node in read_flow(studio.home / "flows" / "support.json").nodes}
    assert {"model.provider", "model.ask", "flowise:customFunction"} <= names
    expect(page.locator(".react-flow__node").first).to_be_visible(timeout=SLOW)


def test_the_import_dialog_shows_the_report_and_opens_the_flow(studio: Server, page: Page) -> None:
    page.goto(studio.url)
    page.get_by_role("button", name="Import").click()
    dialog = page.get_by_role("dialog")
    box = dialog.get_by_role("textbox")
    box.fill(json.dumps({**FOREIGN, "name": "Pasted there"}))
    box.press("Control+Enter")
    dialog.get_by_role("button", name="Import").click()
    report = page.get_by_role("dialog").filter(has_text="What became of the file")
    expect(report.get_by_text("Pasted there")).to_be_visible(timeout=SLOW)
    report.get_by_role("button", name="Open", exact=True).click()
    expect(page).to_have_url(re.compile(r"/editor\?flow=pasted-there"), timeout=SLOW)
    expect(page.locator(".react-flow__node").first).to_be_visible(timeout=SLOW)


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


def test_examples_are_a_table_that_can_be_edited(studio: Server, page: Page) -> None:
    path = put(studio, "table", saved="classify")
    edit_any(studio, page, "table")
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


def wait_for(page: Page, test: Callable[[], bool]) -> None:
    """Wait until something holds on the disk."""
    for _ in range(400):
        if test():
            return
        page.wait_for_timeout(150)
    assert test()


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


def test_an_edit_in_the_inspector_adds_a_port_and_a_fix_wires_it(
    studio: Server, page: Page
) -> None:
    path = put(studio, "inspect")
    edit(studio, page, "inspect")
    node(page, "prompt").click()
    field = settings(page).get_by_label("Template")
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
    expect(settings(page).get_by_text('"prompt.style" takes')).to_be_visible()
    tab(page, "Problems")
    dock(page).get_by_role("button", name="Wire from “Flow input” (value)").click()
    expect(dock(page).get_by_text("Nothing is wrong")).to_be_visible()
    expect(toolbar(page, "Validate")).to_be_visible()
    wait_for(page, lambda: "prompt.style" in {edge.target for edge in read_flow(path).edges})
    icon(page, "undo").click()
    expect(toolbar(page, "1 error")).to_be_visible()
    for _ in range(6):  # what was typed slowly is several steps
        if icon(page, "undo").is_disabled():
            break
        with contextlib.suppress(PlaywrightTimeout):  # it may have become so meanwhile
            icon(page, "undo").click(timeout=5000)
        page.wait_for_timeout(700)
    expect(port).to_have_count(0)
    tab(page, "Node")
    expect(field).to_have_value(re.compile("^Answer in one short sentence"))


def test_a_run_is_stopped_at_once(studio: Server, page: Page) -> None:
    long_story(studio, "stop")
    edit(studio, page, "stop")
    toolbar(page, "Run").click()
    expect(side(page).locator(".text")).not_to_be_empty(timeout=SLOW)
    toolbar(page, "Stop").click()
    expect(side(page).get_by_text("Stopped", exact=True).first).to_be_visible()
    expect(toolbar(page, "Run")).to_be_visible()
    page.goto(f"{studio.url}/runs")
    page.get_by_role("button", name="Open").first.click()
    page.get_by_role("button", name="Resume").click()
    shown = page.get_by_test_id("stMainBlockContainer")
    shown.get_by_role("button", name="Stop").click()
    expect(shown.get_by_role("button", name="Resume")).to_be_visible()


def test_streamlits_own_stop_is_out_of_sight(studio: Server, page: Page) -> None:
    """It shows while a page takes long to draw: one is put where Streamlit puts it."""
    page.goto(f"{studio.url}/runs")
    expect(page.get_by_role("heading", name="Runs")).to_be_visible(timeout=SLOW)
    page.get_by_test_id("stHeader").evaluate(
        """header => header.insertAdjacentHTML("beforeend", `<div data-testid="stStatusWidget">
           <button data-testid="stBaseButton-header">Stop</button></div>`)"""
    )
    expect(page.get_by_text("Stop", exact=True)).to_have_count(1)
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)


def test_a_failed_run_says_where_why_and_with_what(studio: Server, page: Page) -> None:
    flow = json.loads((SAVED / "ask.json").read_text("utf-8"))
    for item in flow["nodes"]:
        if item["id"] == "model":
            item["params"]["weights"] = "./no-such-model.gguf"
    put(studio, "fails", flow)
    edit(studio, page, "fails")
    toolbar(page, "Run").click()
    expect(side(page).get_by_text("Failed", exact=True).first).to_be_visible(timeout=SLOW)
    expect(side(page).get_by_text("does not exist").first).to_be_visible()
    given = side(page).get_by_test_id("stExpander").filter(has_text="What went in: prompt")
    given.get_by_text("What went in: prompt").click()
    expect(given.get_by_text("What is the capital of Denmark?")).to_be_visible()


def test_two_tabs_see_each_others_edits(studio: Server, page: Page) -> None:
    path = put(studio, "twins")
    edit(studio, page, "twins")
    other = page.context.new_page()
    edit(studio, other, "twins")
    name = page.get_by_role("textbox", name="Name of the flow")
    name.fill("Both see this")
    name.press("Enter")
    theirs = other.get_by_role("textbox", name="Name of the flow")
    expect(theirs).to_have_value("Both see this")
    node(other, "prompt").click()
    settings(other).get_by_role("textbox", name="Title").fill("Renamed here")
    expect(node(page, "prompt")).to_contain_text("Renamed here")
    tab(page, "Node")
    expect(settings(page).get_by_text("Select a node to see")).to_be_visible()  # each has their own
    wait_for(page, lambda: read_flow(path).node("prompt").title == "Renamed here")
    assert read_flow(path).name == "Both see this"


@pytest.mark.parametrize("mine", [True, False])
def test_a_conflict_is_settled_by_its_only_banner(studio: Server, page: Page, mine: bool) -> None:
    path = put(studio, f"conflict-{mine}")
    edit(studio, page, path.stem)
    node(page, "prompt").locator(".pb-head").click()
    banner = page.locator(".pb-conflict")
    for turn in range(20):  # until the file changes while there are edits that are not saved
        page.keyboard.press("ArrowDown")
        page.wait_for_timeout(100)
        flow = read_flow(path)
        path.write_text(canonical_text(flow.model_copy(update={"name": f"Theirs {turn}"})), "utf-8")
        page.keyboard.press("ArrowUp")
        page.wait_for_timeout(700)
        if banner.count():
            break
    expect(banner).to_contain_text("Another program has changed the file")
    expect(page.get_by_text("Another program has changed the file")).to_have_count(1)
    theirs = path.read_text("utf-8")
    assert '"name": "Theirs' in theirs
    banner.get_by_role("button", name="Keep mine" if mine else "Take theirs").click()
    expect(banner).to_have_count(0)
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    if mine:
        wait_for(page, lambda: path.read_text("utf-8") != theirs)
    else:
        assert path.read_text("utf-8") == theirs


def test_exported_pictures_and_json_open_again(studio: Server, page: Page, tmp_path: Path) -> None:
    path = put(studio, "export", saved="classify")
    edit_any(studio, page, "export")
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
    assert (tmp_path / "export.json").read_text("utf-8") == path.read_text("utf-8")

    page.goto(studio.url)
    area = page.locator(".st-key-drop")
    broken = tmp_path / "broken.json"
    broken.write_text('{"format": 1, "nodes": [}', "utf-8")
    before = sorted((studio.home / "flows").iterdir())
    area.locator("input[type=file]").set_input_files(broken)
    expect(page.get_by_text("file/not-json")).to_be_visible()
    assert sorted((studio.home / "flows").iterdir()) == before
    drop(page, tmp_path / "export.png")
    expect(page).to_have_url(re.compile(r"/editor\?flow=export-2"), timeout=SLOW)
    expect(page.locator(".react-flow__node")).to_have_count(len(flow.nodes), timeout=SLOW)
    assert read_flow(studio.home / "flows" / "export-2.json") == flow


def drop(page: Page, file: Path) -> None:
    """Drop a file on the flows page, as from a file manager."""
    area = page.locator(".st-key-drop").get_by_test_id("stFileUploaderDropzone").first
    dropped(page, area, file)


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


def edit_any(studio: Server, page: Page, name: str) -> None:
    """Open the editor on a flow whose nodes are called anything."""
    page.goto(f"{studio.url}/editor?flow={name}")
    expect(page.locator(".react-flow__node").first).to_be_visible(timeout=SLOW)


def test_a_broken_import_is_refused_in_words(studio: Server, page: Page) -> None:
    before = sorted((studio.home / "flows").iterdir())
    page.goto(studio.url)
    page.get_by_role("button", name="Import").click()
    dialog = page.get_by_role("dialog")
    box = dialog.get_by_role("textbox")
    box.fill('{"format": 1, "nodes": [{"id": "1x", "kind": 3}],}')
    box.press("Control+Enter")
    dialog.get_by_role("button", name="Import").click()
    expect(dialog.get_by_text("cannot be imported")).to_be_visible()
    expect(dialog.get_by_text("file/not-json")).to_be_visible()
    assert sorted((studio.home / "flows").iterdir()) == before


def test_a_version_is_restored(studio: Server, page: Page) -> None:
    path = put(studio, "versions")
    edit(studio, page, "versions")
    name = page.get_by_role("textbox", name="Name of the flow")
    name.fill("Changed my mind")
    name.press("Enter")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    wait_for(page, lambda: read_flow(path).name == "Changed my mind")
    icon(page, "versions").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox").click()
    page.get_by_role("option").filter(has_text="First version").click()
    dialog.get_by_role("button", name="Restore this version").click()
    expect(name).to_have_value("Ask a question")
    wait_for(page, lambda: read_flow(path).name == "Ask a question")


def test_delete_can_be_undone(studio: Server, page: Page) -> None:
    path = put(studio, "doomed", {"format": 1, "name": "Doomed flow", "nodes": [], "edges": []})
    page.goto(studio.url)
    card = page.get_by_test_id("stColumn").filter(has_text="Doomed flow")
    card.get_by_role("button", name="More").click()
    page.get_by_text("Delete", exact=True).first.click()
    expect(page.get_by_text("doomed was deleted")).to_be_visible()
    assert not path.exists()
    page.get_by_role("button", name="Undo").click()
    expect(card).to_be_visible()
    assert path.exists()


ECHO = {
    "format": 1,
    "name": "Echo it",
    "nodes": [
        {"id": "in", "kind": "io.input", "version": 1, "params": {"name": "text"}},
        {"id": "out", "kind": "io.output", "version": 1, "params": {"name": "answer"}},
    ],
    "edges": [{"from": "in.value", "to": "out.value"}],
}


def test_a_flow_is_used_elsewhere(studio: Server, page: Page) -> None:
    put(studio, "echo-it", ECHO)
    page.goto(studio.url)
    card = page.get_by_test_id("stColumn").filter(has_text="Echo it")
    card.get_by_role("button", name="More").click()
    page.get_by_text("Use it elsewhere", exact=True).first.click()
    dialog = page.get_by_role("dialog")
    origins = dialog.get_by_role("textbox", name="Web pages that may show it")
    origins.fill("example.org")
    origins.press("Enter")
    expect(dialog.get_by_text("is no origin")).to_be_visible()
    origins.fill("https://example.org")
    origins.press("Enter")
    expect(dialog.get_by_text("is no origin")).to_have_count(0)
    dialog.get_by_role("button", name="Start serving").click()
    expect(dialog.get_by_text("Serving", exact=True)).to_be_visible()
    expect(dialog.get_by_text("Pages of https://example.org may show it.")).to_be_visible()

    shown = dialog.get_by_test_id("stCode")
    line = shown.filter(has_text="curl ").locator("code")
    expect(line).to_contain_text("/flows/echo-it/run")
    ran = subprocess.run(["sh", "-c", f"{line.inner_text()} -s"], capture_output=True, text=True)
    assert json.loads(ran.stdout)["outputs"] == {"answer": "Hello"}, ran

    dialog.get_by_role("tab", name="Embed").click()
    dialog.get_by_role("button", name="Make a key for the page").click()
    embed = shown.filter(has_text="<script").locator("code")
    expect(embed).to_contain_text('data-key="pb_')
    keys = tomllib.loads((studio.home / "served-keys.toml").read_text("utf-8"))
    assert [table["flows"] for table in keys.values()] == [["echo-it"]]

    dialog.get_by_role("button", name="Stop serving").click()
    expect(dialog.get_by_role("button", name="Start serving")).to_be_visible()
    gone = subprocess.run(ran.args, capture_output=True)
    assert gone.returncode == 7  # curl's word for: nobody listens


def test_a_flow_and_its_file_are_renamed(studio: Server, page: Page) -> None:
    path = put(studio, "badly-named", {"format": 1, "name": "Bad name", "nodes": [], "edges": []})
    page.goto(studio.url)
    card = page.get_by_test_id("stColumn").filter(has_text="Bad name")
    card.get_by_role("button", name="More").click()
    page.get_by_text("Rename", exact=True).first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Name").fill("Good name")
    dialog.get_by_role("textbox", name="File").fill("well-named")
    dialog.get_by_role("textbox", name="File").press("Enter")
    dialog.get_by_role("button", name="Rename").click()
    expect(page.get_by_text("Good name", exact=True)).to_be_visible()
    wait_for(page, lambda: (path.parent / "well-named.json").exists())
    assert not path.exists()
    assert read_flow(path.parent / "well-named.json").name == "Good name"


def test_by_keyboard_alone_from_an_empty_flow_to_an_answer(studio: Server, page: Page) -> None:
    put(studio, "keys", {"format": 1, "name": "Keys", "nodes": [], "edges": []})
    page.goto(f"{studio.url}/editor?flow=keys")
    expect(page.get_by_text("Draw your first flow")).to_be_visible(timeout=SLOW)
    tab_to(page, page.get_by_role("textbox", name="Search nodes"))
    page.keyboard.type("flow input")
    page.keyboard.press("Enter")
    expect(page.locator(".pb-node")).to_have_count(1)
    page.keyboard.press("n")
    page.keyboard.type("flow output")
    page.keyboard.press("Enter")
    expect(page.locator(".pb-node")).to_have_count(2)
    page.keyboard.press("w")
    page.keyboard.type("flow input")
    page.keyboard.press("Enter")
    expect(page.locator(".react-flow__edge")).to_have_count(1)
    page.keyboard.press("Control+Enter")
    box = page.get_by_test_id("stChatInputTextArea")
    expect(box).to_be_visible()
    tab_to(page, box)
    page.keyboard.type("Nothing but keys")
    page.keyboard.press("Enter")
    expect(side(page).get_by_text("Nothing but keys")).to_have_count(2, timeout=SLOW)


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until something has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if wanted.evaluate("e => e === e.getRootNode().activeElement"):
            return
    raise AssertionError("Tab never leads there")


def test_past_runs_are_listed_and_stepped_through(studio: Server, page: Page) -> None:
    path = put(studio, "past")
    edit(studio, page, "past")
    toolbar(page, "Run").click()
    expect(side(page).get_by_text("Finished").first).to_be_visible(timeout=SLOW)
    page.goto(f"{studio.url}/runs")
    page.get_by_role("button", name="Open").first.click()
    expect(page.get_by_text("patchbay run")).to_be_visible()
    expect(page.get_by_text("run finished")).to_be_visible()
    icon(page, "earlier").click()
    expect(page.get_by_text("node finished")).to_be_visible()
    before = page.url
    path.unlink()  # what was recorded needs no file
    page.get_by_role("button", name="Run again").click()
    expect(page).not_to_have_url(before)
    expect(page.get_by_text("Finished", exact=True)).to_be_visible()
    expect(page.get_by_text("Copenhagen").first).to_be_visible()


HOSTILE = (
    '<img src="http://stranger.test/x.png" onerror="window.pwned=1"><script>window.pwned=1</script>'
)
MARKDOWN = "![x](http://stranger.test/y.png) [link](javascript:window.pwned=1) **bold** " + HOSTILE


def test_nothing_in_a_flow_runs_script_or_asks_a_stranger(studio: Server, page: Page) -> None:
    flow = {
        "format": 1,
        "name": f"Evil {HOSTILE}"[:300],
        "description": MARKDOWN,
        "nodes": [
            {"id": "ask", "kind": "io.input", "version": 1, "title": HOSTILE[:300],
             "params": {"name": "question", "default": MARKDOWN, "description": MARKDOWN}},
            {"id": "answer", "kind": "io.output", "params": {"description": MARKDOWN}},
            {"id": "odd", "kind": f"evil{HOSTILE}"[:100], "version": 1},
        ],
        "edges": [{"from": "ask.value", "to": "answer.value"}],
        "notes": [{"id": "note", "text": MARKDOWN}],
        "groups": [{"id": "group", "title": HOSTILE[:300], "nodes": ["ask"]}],
    }  # fmt: skip
    put(studio, "evil", flow)
    edit(studio, page, "evil")
    node(page, "odd").click(force=True)
    expect(settings(page).get_by_text("There is no kind")).to_be_visible()
    for name in ("Values", "Problems", "Run", "Chat"):
        tab(page, name)
        page.wait_for_timeout(400)
    without_odd = {**flow, "nodes": flow["nodes"][:2]}
    put(studio, "evil-runs", without_odd)
    edit(studio, page, "evil-runs")
    toolbar(page, "Run").click()
    expect(side(page).get_by_text("Finished").first).to_be_visible()
    node(page, "ask").click(force=True)
    tab(page, "Node")
    page.goto(f"{studio.url}/runs")
    page.get_by_role("button", name="Open").first.click()
    expect(page.get_by_text("patchbay run")).to_be_visible()
    page.goto(studio.url)
    expect(page.get_by_text("Evil").first).to_be_visible()
    assert page.evaluate("window.pwned") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_follow_the_system(studio: Server, browser: Browser, scheme: Any) -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1280, "height": 800})
    page = let_in(context).new_page()
    put(studio, "theme")
    edit(studio, page, "theme")
    color = page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    light = sum(map(int, re.findall(r"\d+", color)[:3])) > 380
    assert light == (scheme == "light")
    wide = page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert wide, "nothing may stick out at 1280 pixels"
    context.close()


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
    toolbar(page, "Run").click()  # asks for what is missing
    given = tmp_path / "note.txt"
    given.write_text("Plain words from a file.", "utf-8")
    side(page).locator("input[type=file]").set_input_files(given)
    expect(side(page).get_by_text("note.txt")).to_be_visible()
    wait_for(page, lambda: any((studio.home / "uploads").glob("*/note.txt")))
    toolbar(page, "Run").click()
    expect(side(page).get_by_text("Finished").first).to_be_visible(timeout=SLOW)
    expect(side(page).get_by_text("Plain words from a file.").first).to_be_visible()


def test_the_models_page_knows_what_is_here_and_says_what_cannot_be_had(
    studio: Server, page: Page
) -> None:
    with ThreadPoolExecutor() as thread:  # it may not run where an event loop does
        thread.submit(resolve, DEFAULT).result()
    page.goto(f"{studio.url}/models")
    expect(page.get_by_text(DEFAULT, exact=True).first).to_be_visible()
    expect(page.get_by_text("on this machine", exact=True).first).to_be_visible()
    box = page.get_by_role("textbox", name="Reference")
    box.fill("no such weights")
    page.get_by_role("button", name="Pull", exact=True).last.click()
    expect(page.get_by_test_id("stAlert")).to_contain_text("no such weights")


def test_flows_whose_names_look_alike_and_odd_ones_do_not_hide_the_others(
    tmp_path: Path, context: BrowserContext
) -> None:
    home = tmp_path / "home"
    (home / "flows").mkdir(parents=True)
    (home / "flows" / "broken.json").write_text('{"format": 1, "nodes": [', "utf-8")
    (home / "flows" / "odd & (name).json").write_text('{"format": 1, "name": "Odd name"}', "utf-8")
    (home / "flows" / "folder.json").mkdir()
    context.set_default_timeout(SLOW)
    page = context.new_page()
    with serve(ROOT / "studio" / "app.py", home) as server:
        for title in ("Self-consistency", "Compare techniques"):
            page.goto(server.url)
            card = page.locator(".card").filter(has_text=title).first
            card.get_by_role("button", name="Use template").click()
            expect(page).to_have_url(re.compile(r"/editor\?flow="), timeout=SLOW)
            expect(page.locator(".react-flow__node").first).to_be_visible(timeout=SLOW)
        page.goto(server.url)
        names = sorted(path.stem for path in (home / "flows").glob("*.json") if path.is_file())
        assert {"self-consistency", "self_consistency"} <= set(names)
        opened = page.get_by_role("button", name="Open", exact=True)
        expect(opened).to_have_count(len(names) + 1, timeout=SLOW)  # and the folder
        expect(page.get_by_text("Cannot be opened.")).to_have_count(2)
        expect(page.get_by_test_id("stException")).to_have_count(0)
        page.screenshot(path=tmp_path / "flows.png", full_page=True)
        odd = page.get_by_test_id("stColumn").filter(has_text="Odd name")
        odd.get_by_role("button", name="Open", exact=True).click()
        expect(page.get_by_role("textbox", name="Name of the flow")).to_have_value("Odd name")


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
    expect(title).to_have_attribute("placeholder", "Ask a model", timeout=1000)
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


def test_the_dock_folds_widens_and_remembers(studio: Server, page: Page) -> None:
    put(studio, "docked")
    edit(studio, page, "docked")
    expect(page.locator(".pb-rail")).to_be_visible()  # nothing lies over the canvas
    whole = page.locator(".pb-canvas").bounding_box()
    node(page, "prompt").click()
    expect(settings(page).get_by_label("Template")).to_be_visible()
    assert page.locator(".pb-canvas").bounding_box() == whole  # it lies over it
    edge = page.get_by_role("separator", name="Width of the dock")
    wide = dock(page).bounding_box()
    edge.focus()
    page.keyboard.press("ArrowLeft")
    now = dock(page).bounding_box()
    assert wide is not None
    assert now is not None
    assert now["width"] == wide["width"] + 40
    tab(page, "Run")
    expect(side(page)).to_be_visible()
    place, panel = dock(page).locator(".pb-dock-body").bounding_box(), side(page).bounding_box()
    assert place == panel
    page.reload()
    expect(front(page)).to_have_text("Run")
    expect(side(page)).to_be_visible()
    node(page, "ask").click()
    expect(settings(page).get_by_label("Max tokens")).to_be_visible()
    expect(side(page)).to_be_hidden()
    page.locator(".pb-canvas").focus()
    page.keyboard.press("i")
    expect(dock(page)).to_have_count(0)
    node(page, "prompt").click()
    expect(dock(page)).to_have_count(0)  # who folded it does not want it back by every click
    node(page, "prompt").focus()
    page.keyboard.press("Enter")
    expect(settings(page).get_by_label("Template")).to_be_focused()


def test_values_of_the_last_run_follow_the_selection(studio: Server, page: Page) -> None:
    put(studio, "values")
    edit(studio, page, "values")
    toolbar(page, "Run").click()
    expect(side(page).get_by_text("Finished").first).to_be_visible(timeout=SLOW)
    tab(page, "Values")
    expect(side(page).get_by_text("Select a node to see what it took")).to_be_visible()
    node(page, "prompt").click()
    tab(page, "Values")
    expect(side(page).get_by_text("text (out)")).to_be_visible()
    expect(side(page).get_by_text("Answer in one short sentence.").first).to_be_visible()


def test_problems_come_first_and_what_was_typed_is_kept(studio: Server, page: Page) -> None:
    flow = json.loads((SAVED / "ask.json").read_text("utf-8"))
    for item in flow["nodes"]:
        if item["kind"] == "io.input":
            item["params"].pop("default")  # it must be given, and is not
        if item["id"] == "ask":
            item["params"]["max_tokens"] = -1  # and this is wrong
    put(studio, "wrong", flow)
    edit(studio, page, "wrong")
    toolbar(page, "Run").click()
    said = page.locator(".pb-notice")
    expect(said).to_contain_text("Nothing was run. Correct this error first.")
    expect(front(page)).to_contain_text("Problems")
    said.get_by_role("button", name="Close").click()
    expect(said).to_have_count(0)
    tab(page, "Chat")
    box = page.get_by_test_id("stChatInputTextArea")
    box.fill("A long question that nobody wants to type twice?")
    page.keyboard.press("Enter")
    expect(side(page).get_by_test_id("stAlert").first).to_contain_text("ask.max_tokens")
    expect(box).to_have_value("A long question that nobody wants to type twice?")
    page.screenshot(path=studio.home / "refused-chat.png")
