"""The editor as axe-core sees it: no serious finding. Skipped where axe-core is not installed."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.editor_page import chat, dock, tab
from tests.browser.flow_files import put
from tests.browser.harness import ROOT, Server

pytestmark = pytest.mark.xdist_group("browser")
AXE = ROOT / "studio" / "canvas" / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
LOOK = """async () => {
  const host = [...document.querySelectorAll("*")]
    .find(e => e.shadowRoot?.querySelector(".pb-host"));
  const found = await axe.run(host, { resultTypes: ["violations"] });
  return found.violations.filter(v => ["serious", "critical"].includes(v.impact)).map(v =>
    `${v.id}: ${v.help}: ${v.nodes.slice(0, 4).map(n => n.html.slice(0, 160) + " " +
      (n.any[0]?.message ?? "")).join(" | ")}`);
}"""


def findings(page: Page) -> list[str]:
    """What axe-core finds serious or worse on the canvas and what lies over it."""
    page.evaluate(AXE.read_text("utf-8"))
    found: list[str] = page.evaluate(LOOK)
    return found


def look(studio: Server, page: Page, scheme: str) -> None:
    """Open the editor in a theme; skip where there is nothing to look with."""
    if not AXE.is_file():
        pytest.skip(f"no axe-core here (npm ci in {AXE.parents[2].relative_to(ROOT)})")
    put(studio, "axe")
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(f"{studio.url}/editor?flow=axe")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_is_found(studio: Server, empty_page: Page, scheme: str) -> None:
    page = empty_page
    look(studio, page, scheme)
    node = page.locator('.react-flow__node[data-id="prompt"]')
    expect(node).to_be_visible()
    assert findings(page) == []
    node.locator(".pb-head").click()
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_is_found_in_what_opens_over_the_canvas(
    studio: Server, empty_page: Page, scheme: str
) -> None:
    page = empty_page
    look(studio, page, scheme)
    prompt = page.locator('.react-flow__node[data-id="prompt"]')
    prompt.locator(".pb-head").click()
    tab(page, "Node")
    dock(page).get_by_role("button", name=re.compile("in large")).first.click()
    expect(page.get_by_role("dialog").first).to_be_visible()
    assert findings(page) == []
    page.keyboard.press("Escape")
    prompt.locator(".pb-icon").click(button="right")
    expect(page.get_by_role("menu")).to_be_visible()
    assert findings(page) == []
    page.get_by_role("menuitem", name="Give it a value").click()
    expect(page.get_by_role("dialog", name="Value of Prompt template")).to_be_visible()
    assert findings(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("toolbar", name="Edit").get_by_role("button", name="Shortcuts").click()
    expect(page.get_by_role("dialog", name="Shortcuts")).to_be_visible()
    assert findings(page) == []
