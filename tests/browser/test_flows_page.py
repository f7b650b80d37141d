"""The Flows page: folders, tags, sort, duplicates, and ways on with files that cannot be opened."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from patchbay.flows.document.model import Flow
from patchbay.flows.document.reading import read_flow
from patchbay.studio.documents.versions import Versions
from tests.browser.editor_page import drawn, menu, own, shoot
from tests.browser.flow_files import SAVED, put, wait_for, write
from tests.browser.harness import ROOT, Server, serve

TORN = '{"format": 1, "name": "Torn", "nodes": ['


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A studio with a few flows of its own."""
    home = tmp_path_factory.mktemp("shelf")
    (home / "flows").mkdir()
    for name in ("ask", "chat", "route", "few_shot", "extract"):
        shutil.copyfile(SAVED / f"{name}.json", home / "flows" / f"{name}.json")
    with serve(ROOT / "studio" / "app.py", home) as server:
        yield server


@pytest.fixture
def page(shelf: Server, empty_page: Page) -> Page:
    page = empty_page
    page.goto(shelf.url)
    expect(own(page).first).to_be_visible()
    drawn(page)
    return page


def titles(page: Page) -> list[str]:
    return own(page).locator("h5").all_inner_texts()


def test_flows_are_filed_chosen_sorted_and_told_apart(shelf: Server, page: Page) -> None:
    card = own(page, "Route by what is wanted")
    card.get_by_role("button", name="More").click()
    menu(page, "Folder and tags").click()
    dialog = page.get_by_role("dialog")
    folder = dialog.get_by_role("combobox", name="Folder")
    folder.fill("Teaching")
    folder.press("Enter")
    drawn(page)
    tags = dialog.get_by_role("combobox", name="Tags")
    tags.fill("week 2")
    tags.press("Enter")
    expect(dialog.get_by_text("week 2", exact=True).first).to_be_visible()
    dialog.get_by_text("Folder and tags").first.click()  # away from the list, open or shut
    dialog.get_by_role("button", name="Save").click()
    flows = page.get_by_role("region", name="Your flows", exact=True)
    expect(flows.get_by_role("heading", name="Teaching")).to_be_visible()
    expect(card.get_by_text("#week 2")).to_be_visible()
    flows.get_by_role("radio", name="#week 2").click()
    expect(own(page)).to_have_count(1)
    flows.get_by_role("radio", name="#week 2").click()
    expect(own(page)).to_have_count(5)
    flows.get_by_role("combobox", name="Sort by").select_option("Name")
    by_name = ["Ask a question", "Chat", "Extract facts as JSON", "Few-shot"]
    wait_for(page, lambda: titles(page)[:4] == by_name)  # what is in no folder comes first
    own(page, "Chat").get_by_role("button", name="More").click()
    menu(page, "Duplicate").click()
    copy = own(page, "Chat (copy)")
    expect(copy.get_by_text("Does the same as Chat.")).to_be_visible()
    expect(own(page, "Chat").get_by_text("Does the same as Chat (copy).")).to_be_visible()
    page.reload()
    expect(flows.get_by_role("combobox", name="Sort by")).to_have_value("Name")
    page.get_by_role("searchbox", name="Search").fill("teaching")
    expect(own(page)).to_have_count(1)
    shoot(page, "flows-searched")


def test_what_was_opened_last_stands_first_and_the_menu_goes_by_keyboard(
    shelf: Server, page: Page
) -> None:
    own(page, "Extract facts as JSON").get_by_role("button", name="Open", exact=True).click()
    expect(page.get_by_role("textbox", name="Name of the flow")).to_be_visible()
    page.goto(shelf.url)
    last = page.get_by_role("navigation", name="Opened last")
    expect(last.get_by_role("button").first).to_have_text("Extract facts as JSON")
    more = own(page, "Few-shot").get_by_role("button", name="More")
    more.focus()
    page.keyboard.press("ArrowDown")
    expect(menu(page, "Rename")).to_be_focused()
    page.keyboard.press("End")
    expect(menu(page, "Delete")).to_be_focused()
    page.keyboard.press("Escape")
    expect(more).to_be_focused()
    expect(menu(page, "Delete")).to_have_count(0)
    last.get_by_role("button", name="Extract facts as JSON").click()
    expect(page.get_by_role("textbox", name="Name of the flow")).to_have_value(
        "Extract facts as JSON"
    )


def test_a_torn_file_is_mended_as_text_or_brought_back(shelf: Server, page: Page) -> None:
    path = shelf.home / "flows" / "torn.json"
    Versions(shelf.home, path).add(Flow(name="As it was"))
    write(path, TORN)
    page.reload()
    card = own(page, "torn")
    expect(card.get_by_text("Cannot be opened.")).to_be_visible()
    drawn(page)
    card.get_by_role("button", name="Open as text").click()
    dialog = page.get_by_role("dialog")
    text = dialog.get_by_role("textbox")
    expect(text).to_have_value(TORN)
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_text("This holds no flow yet")).to_be_visible()
    assert path.read_text("utf-8") == TORN
    text.fill(TORN + "]}")
    text.press("Control+Enter")
    drawn(page)
    dialog.get_by_role("button", name="Save").click()
    expect(own(page, "Torn")).to_be_visible()
    assert read_flow(path).name == "Torn"
    write(path, TORN)
    page.goto(f"{shelf.url}/editor?flow=torn")
    expect(page.get_by_text("cannot be opened")).to_be_visible()
    drawn(page)
    page.get_by_role("button", name="Bring back an earlier version").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Restore this version").click()
    expect(page.get_by_role("textbox", name="Name of the flow")).to_have_value("As it was")
    assert read_flow(path).name == "As it was"


def test_another_builders_file_in_the_folder_is_imported(shelf: Server, page: Page) -> None:
    start = {"parameters": {}, "name": "Start", "type": "n8n-nodes-base.manualTrigger"}
    start |= {"typeVersion": 1, "position": [0, 0], "id": "a"}
    theirs = {"name": "Their flow", "nodes": [start], "connections": {}}
    path = put(shelf, "theirs", theirs)
    page.reload()
    card = own(page, "theirs")
    expect(card.get_by_text("It looks like a flow of n8n.")).to_be_visible()
    drawn(page)
    card.get_by_role("button", name="Import").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Open", exact=True).click()
    expect(page.get_by_role("textbox", name="Name of the flow")).to_have_value("Their flow")
    assert json.loads(path.read_text("utf-8")) == theirs, "the file itself stays as it is"


def test_versions_are_listed_with_times_and_can_be_named(shelf: Server, page: Page) -> None:
    path = put(shelf, "named", {"format": 1, "name": "Has versions", "nodes": [], "edges": []})
    versions = Versions(shelf.home, path)
    versions.add(Flow(name="Before"))
    versions.add(read_flow(path))
    page.reload()
    expect(own(page, "Has versions")).to_be_visible()
    drawn(page)
    own(page, "Has versions").get_by_role("button", name="More").click()
    menu(page, "Versions").click()
    dialog = page.get_by_role("dialog")
    rows = dialog.get_by_role("radio")
    expect(rows).to_have_count(2)
    dialog.get_by_text("First version").first.click()
    expect(dialog.get_by_role("list").get_by_text("First version.")).to_be_visible()
    drawn(page)  # what is typed before goes with the fields of the version that was shown
    name = dialog.get_by_role("textbox", name="Name")
    expect(name).to_have_value("")
    name.fill("As handed in")
    name.press("Enter")
    expect(dialog.get_by_role("radiogroup").get_by_text("As handed in")).to_be_visible()
    drawn(page)
    shoot(page, "versions")
    dialog.get_by_role("button", name="Restore this version").click()
    wait_for(page, lambda: read_flow(path).name == "Before")
