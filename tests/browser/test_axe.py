"""The studio as axe-core sees it: no serious finding. Skipped where axe-core is not installed."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.editor_page import (
    chat,
    dock,
    drawn,
    edit,
    finished,
    menu,
    node,
    open_latest_run,
    run,
    tab,
    templates,
)
from tests.browser.flow_files import put
from tests.browser.harness import ROOT, Server

pytestmark = pytest.mark.xdist_group("browser")
AXE = ROOT / "studio" / "canvas" / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
STREAMLITS: tuple[tuple[str, str, str], ...] = ()
"""What is Streamlit's own and cannot be mended here: rule, selector, reason. There is nothing."""
LOOK = """async (known) => {
  const found = await axe.run(document, { resultTypes: ["violations"], elementRef: true });
  const ours = (rule) => (seen) =>
    !known.some(([id, selector]) => id === rule && seen.element?.closest(selector));
  return found.violations.filter(v => ["serious", "critical"].includes(v.impact))
    .map(v => [v, v.nodes.filter(ours(v.id))]).filter(([, nodes]) => nodes.length)
    .map(([v, nodes]) =>
      `${v.id}: ${v.help}: ${nodes.slice(0, 4).map(n => n.html.slice(0, 160) + " " +
        (n.any[0]?.message ?? "")).join(" | ")}`);
}"""


def findings(page: Page) -> list[str]:
    """What axe-core finds serious or worse on the whole page, Streamlit's part and ours."""
    drawn(page)  # what is to be drawn anew is faint meanwhile
    page.evaluate(AXE.read_text("utf-8"))
    found: list[str] = page.evaluate(LOOK, [list(one) for one in STREAMLITS])
    return found


def look(studio: Server, page: Page, scheme: str) -> None:
    """Open the editor in a theme; skip where there is nothing to look with."""
    if not AXE.is_file():
        pytest.skip(f"no axe-core here (npm ci in {AXE.parents[2].relative_to(ROOT)})")
    put(studio, "axe")
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    edit(studio, page, "axe", "prompt")
    drawn(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_is_found(studio: Server, empty_page: Page, scheme: str) -> None:
    page = empty_page
    look(studio, page, scheme)
    assert findings(page) == []
    node(page, "prompt").locator(".pb-head").click()
    tab(page, "Node")
    expect(page.locator(".pb-form").get_by_role("textbox", name="Template")).to_be_visible()
    assert findings(page) == []
    page.locator(".pb-canvas").focus()
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog", name="Commands")).to_be_visible()
    assert findings(page) == []
    page.keyboard.press("Escape")
    tab(page, "Chat")
    expect(chat(page).get_by_text("Every question starts a run")).to_be_visible()
    assert findings(page) == []
    tab(page, "Problems")
    expect(page.get_by_text("Nothing is wrong")).to_be_visible()
    assert findings(page) == []
    tab(page, "Run")
    expect(dock(page).get_by_role("button", name="▶ Run", exact=True)).to_be_visible()
    assert findings(page) == []
    tab(page, "Values")
    assert findings(page) == []
    run(page)
    finished(page)
    assert findings(page) == []
    tab(page, "Values")
    assert findings(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_is_found_in_what_opens_over_the_canvas(
    studio: Server, empty_page: Page, scheme: str
) -> None:
    page = empty_page
    look(studio, page, scheme)
    prompt = node(page, "prompt")
    prompt.locator(".pb-head").click()
    tab(page, "Node")
    dock(page).get_by_role("button", name=re.compile("in large")).first.click()
    expect(page.get_by_role("dialog").first).to_be_visible()
    assert findings(page) == []
    page.keyboard.press("Escape")
    prompt.locator(".pb-head").click(button="right")
    expect(page.get_by_role("menu")).to_be_visible()
    assert findings(page) == []
    page.get_by_role("menuitem", name="Give it a value").click()
    expect(page.get_by_role("dialog", name="Value of Prompt template")).to_be_visible()
    assert findings(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("toolbar", name="Edit").get_by_role("button", name="Shortcuts").click()
    expect(page.get_by_role("dialog", name="Shortcuts")).to_be_visible()
    assert findings(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_is_found_on_the_other_pages(
    studio: Server, empty_page: Page, scheme: str
) -> None:
    page = empty_page
    look(studio, page, scheme)
    run(page)
    finished(page)
    page.goto(studio.url)
    expect(templates(page).first).to_be_visible()
    drawn(page)
    found = {"Flows": findings(page)}
    for name in ("Runs", "Tables", "Experiments", "Inbox", "Models", "Settings"):
        page.goto(f"{studio.url}/{name.lower()}")
        main = page.get_by_test_id("stMainBlockContainer")
        expect(main.get_by_role("heading", name=name, exact=True)).to_be_visible()
        drawn(page)
        found[name] = findings(page)
    page.goto(f"{studio.url}/models")
    expect(page.get_by_role("radiogroup", name="Where")).to_be_visible()
    drawn(page)
    page.get_by_role("radiogroup", name="Where").get_by_role("radio", name="Catalogue").click()
    expect(page.get_by_text("Qwen3 4B", exact=True)).to_be_visible()
    drawn(page)
    found["Catalogue"] = findings(page)
    open_latest_run(studio, page)
    expect(page.get_by_text("The same without the studio")).to_be_visible()
    drawn(page)
    found["A run"] = findings(page)
    assert {name: serious for name, serious in found.items() if serious} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_is_found_in_the_view_of_documents(
    studio: Server, empty_page: Page, scheme: str
) -> None:
    page = empty_page
    look(studio, page, scheme)
    folder = studio.home / "flows" / "axe-wood"
    folder.mkdir(exist_ok=True)
    (folder / "oven.md").write_text("# Oven\n\nBeech burns well.\n\n# Never\n\nYew.")
    (folder / "torn.pdf").write_bytes(b"torn")
    parts = [
        {"id": "load", "kind": "retrieval.load", "params": {"path": "axe-wood"}},
        {"id": "cut", "kind": "retrieval.split", "params": {"by": "headings"}},
    ]
    layout = {part["id"]: {"x": 320 * n, "y": 0} for n, part in enumerate(parts)}
    put(studio, "axe-documents", {"format": 1, "nodes": parts, "edges": [], "layout": layout})
    edit(studio, page, "axe-documents", "load")
    node(page, "load").click(button="right")
    menu(page, "See the documents…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("2 files")).to_be_visible()
    drawn(page)
    assert findings(page) == []
    (folder / "torn.pdf").unlink()  # it would end the search
    dialog.get_by_role("tab", name="Try a query").click()
    dialog.get_by_text("Look for meaning, too").click()
    drawn(page)
    dialog.get_by_role("textbox", name="Query").fill("Which wood is never burned?")
    dialog.get_by_role("textbox", name="Query").press("Enter")
    expect(dialog.get_by_role("tab", name="By words (BM25)")).to_be_visible()
    drawn(page)
    assert findings(page) == []
