"""From a template to a flow that runs, on the Flows page."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from patchbay.flows.document.reading import read_flow
from tests.browser.editor_page import (
    finished,
    menu,
    node,
    nodes,
    own,
    run,
    side,
    templates,
    toolbar,
)
from tests.browser.flow_files import SAVED, put, wait_for
from tests.browser.harness import ROOT, Server, serve

DRAWN = re.compile("/patchbay/pictures/[0-9a-f]+$")


def test_from_template_to_a_streaming_answer(studio: Server, page: Page) -> None:
    page.goto(studio.url)
    card = templates(page).filter(has_text="Ask a question")
    card.scroll_into_view_if_needed()  # one's own flows, of other tests, come before it
    expect(card.locator("img")).to_have_attribute("src", DRAWN)
    last = templates(page).locator("img").last
    expect(last).not_to_have_attribute("src", DRAWN)  # drawn when it comes into sight
    last.scroll_into_view_if_needed()
    expect(last).to_have_attribute("src", DRAWN)
    card.get_by_role("button", name="Use template").click()
    expect(node(page, "answer")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/editor\?flow=ask"))
    run(page)
    finished(page)
    expect(side(page).get_by_text("Copenhagen").first).to_be_visible()
    # Another test may have asked that before, and what is kept is not streamed.
    side(page).get_by_label("question").fill("What is the capital of Norway?")
    run(page)
    expect(node(page, "ask")).to_contain_text("Oslo")
    expect(side(page).get_by_text("Oslo").first).to_be_visible()
    expect(toolbar(page, "Run")).to_be_visible()


def test_templates_are_looked_at_searched_and_chosen_by_purpose(studio: Server, page: Page) -> None:
    page.goto(studio.url)
    cards = templates(page)
    shelf = page.get_by_role("region", name="Templates", exact=True)
    expect(cards).to_have_count(len(list(SAVED.glob("*.json"))))
    expect(shelf.get_by_role("heading", name="Agents and crews")).to_be_visible()
    shelf.get_by_role("radio", name="Agents and crews").click()
    expect(cards.filter(has_text="Ask a question")).to_have_count(0)
    expect(cards.first).to_be_visible()
    search = page.get_by_role("searchbox", name="Search")
    search.fill("smallest useful")
    expect(cards).to_have_count(1)
    search.fill("nothing like that")
    expect(shelf.get_by_text("No template matches the search.")).to_be_visible()
    expect(cards).to_have_count(0)
    search.fill("rag")  # a synonym of a kind, in no word of the flow
    expect(cards.filter(has_text="Ask a folder")).to_be_visible()
    expect(cards.filter(has_text="Ask a question")).to_have_count(0)
    search.fill("")
    expect(cards.filter(has_text="Ask a question")).to_be_visible()
    shelf.get_by_role("radio", name="Ask and chat").focus()  # one of the many, by keyboard
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(shelf.get_by_role("radio", name="Prompting techniques")).to_be_checked()
    expect(cards.filter(has_text="Ask a question")).to_have_count(0)
    page.keyboard.press("Space")
    expect(cards.filter(has_text="Ask a question")).to_be_visible()
    cards.filter(has_text="Ask a question").get_by_role("button", name="Look").press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Ask a question")).to_be_visible()
    dialog.get_by_role("button", name="Use template").click()
    expect(node(page, "answer")).to_be_visible()


def test_flows_whose_names_look_alike_and_odd_ones_do_not_hide_the_others(
    tmp_path: Path, empty_page: Page
) -> None:
    home = tmp_path / "home"
    (home / "flows").mkdir(parents=True)
    (home / "flows" / "broken.json").write_text('{"format": 1, "nodes": [', "utf-8")
    (home / "flows" / "odd & (name).json").write_text('{"format": 1, "name": "Odd name"}', "utf-8")
    (home / "flows" / "folder.json").mkdir()
    page = empty_page
    with serve(ROOT / "studio" / "app.py", home) as server:
        for title in ("Self-consistency", "Compare techniques"):
            page.goto(server.url)
            card = templates(page).filter(has_text=title).first
            card.get_by_role("button", name="Use template").click()
            expect(page).to_have_url(re.compile(r"/editor\?flow="))
            expect(nodes(page).first).to_be_visible()
        page.goto(server.url)
        names = sorted(path.stem for path in (home / "flows").glob("*.json") if path.is_file())
        assert {"self-consistency", "self_consistency"} <= set(names)
        cards = own(page)
        expect(cards).to_have_count(len(names) + 1)  # and the folder
        expect(page.get_by_text("Cannot be opened.")).to_have_count(2)
        expect(page.get_by_test_id("stException")).to_have_count(0)
        cards.filter(has_text="Odd name").get_by_role("button", name="Open", exact=True).click()
        expect(page.get_by_role("textbox", name="Name of the flow")).to_have_value("Odd name")


def test_delete_can_be_undone(studio: Server, page: Page) -> None:
    path = put(studio, "doomed", {"format": 1, "name": "Doomed flow", "nodes": [], "edges": []})
    page.goto(studio.url)
    card = own(page, "Doomed flow")
    card.get_by_role("button", name="More").click()
    menu(page, "Delete").click()
    expect(page.get_by_text("doomed was deleted")).to_be_visible()
    assert not path.exists()
    page.get_by_role("button", name="Undo").click()
    expect(card).to_be_visible()
    assert path.exists()


def test_a_flow_and_its_file_are_renamed(studio: Server, page: Page) -> None:
    path = put(studio, "badly-named", {"format": 1, "name": "Bad name", "nodes": [], "edges": []})
    page.goto(studio.url)
    card = own(page, "Bad name")
    card.get_by_role("button", name="More").click()
    menu(page, "Rename").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Name").fill("Good name")
    dialog.get_by_role("textbox", name="File").fill("well-named")
    dialog.get_by_role("textbox", name="File").press("Enter")
    dialog.get_by_role("button", name="Rename").click()
    expect(own(page, "Good name")).to_be_visible()
    wait_for(page, lambda: (path.parent / "well-named.json").exists())
    assert not path.exists()
    assert read_flow(path.parent / "well-named.json").name == "Good name"
