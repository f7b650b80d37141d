"""One file and several who write it: tabs, other programs, versions."""

from __future__ import annotations

import contextlib

import pytest
from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from patchbay.flows.document.reading import read_flow
from patchbay.flows.document.writing import canonical_text
from tests.browser.editor_page import drawn, edit, icon, node, settings, tab
from tests.browser.flow_files import put, wait_for, write
from tests.browser.harness import Server


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
        flow = read_flow(path)
        write(path, canonical_text(flow.model_copy(update={"name": f"Theirs {turn}"})))
        page.keyboard.press("ArrowUp")
        with contextlib.suppress(PlaywrightTimeout):
            banner.wait_for(timeout=1500)
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
    dialog.get_by_role("radiogroup").get_by_text("First version").click()
    expect(dialog.get_by_role("radio", name="First version")).to_be_checked()
    drawn(page)
    dialog.get_by_role("button", name="Restore this version").click()
    expect(name).to_have_value("Ask a question")
    wait_for(page, lambda: read_flow(path).name == "Ask a question")
