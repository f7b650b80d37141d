"""The studio's pages as a person handles them: the one right way for each thing that tests do.

What is looked for is looked for inside its part of the page, and what is clicked is clicked once.
Before a click, a function here waits for what makes it count: a page whose script still runs takes
it, one that is still being built may not.
"""

from __future__ import annotations

import contextlib
import os
import re

from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.browser.harness import Server

PICTURES = os.environ.get("PATCHBAY_PICTURES")
"""A folder for pictures to look at; nothing keeps any unless somebody names one."""


def shoot(page: Page, name: str) -> None:
    """A picture to look at, in both themes; only where somebody wants them."""
    if PICTURES:
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            page.wait_for_timeout(700)
            page.screenshot(path=f"{PICTURES}/{name}-{theme}.png")


def drawn(page: Page) -> None:
    """Wait until Streamlit has drawn the page whole: what it replaces on the way takes no press."""
    app = page.get_by_test_id("stApp")
    expect(app).to_have_attribute("data-test-connection-state", "CONNECTED")
    expect(app).to_have_attribute("data-test-script-state", "notRunning")


RESTS = """async (view) => {
  let before, now = view.style.transform;
  do {
    before = now;
    await new Promise((done) => setTimeout(done, 500));  // no timer of the canvas is longer
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    now = view.style.transform;
  } while (before !== now);
  return now;
}"""


def still(page: Page) -> str:
    """Wait until the view of the canvas rests, the fit that was due included; where it is then."""
    return str(page.locator(".react-flow__viewport").evaluate(RESTS))


def middle(part: Locator) -> tuple[float, float]:
    """The middle of something that is shown and stands still, in pixels of the page."""
    expect(part).to_be_visible()
    part.element_handle().wait_for_element_state("stable")
    box = part.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def press_to(page: Page, button: Locator, address: re.Pattern[str]) -> None:
    """Press what leads to another page, and again where Streamlit drops the press.

    It does where a part of the page that reruns by itself asks for its turn at that moment. Where
    the page is only slow to come, there is nothing left to press.
    """
    button.click()
    for _ in range(5):
        with contextlib.suppress(AssertionError):
            return expect(page).to_have_url(address, timeout=20_000)
        with contextlib.suppress(PlaywrightTimeout):
            button.click(timeout=5_000)
    return expect(page).to_have_url(address)


# --- the editor ---------------------------------------------------------------------------------


def edit(studio: Server, page: Page, flow: str, node_id: str = "") -> None:
    """Open the editor on a flow, and wait until its canvas is there, with this node if named."""
    page.goto(f"{studio.url}/editor?flow={flow}")
    expect(node(page, node_id) if node_id else nodes(page).first).to_be_visible()


def nodes(page: Page) -> Locator:
    """All nodes on the canvas."""
    return page.locator(".react-flow__node")


def node(page: Page, node_id: str) -> Locator:
    """A node on the canvas."""
    return page.locator(f'.react-flow__node[data-id="{node_id}"]')


def toolbar(page: Page, name: str) -> Locator:
    """A button of the toolbar, by its words."""
    return page.locator(".st-key-toolbar-row").get_by_role("button", name=name, exact=True)


def icon(page: Page, key: str) -> Locator:
    """A button that shows an icon only."""
    return page.locator(f".st-key-{key} button:visible").first


def popover(page: Page) -> Locator:
    """The small window of a button, while it is open."""
    return page.get_by_test_id("stPopoverBody")


def menu(page: Page, name: str) -> Locator:
    """A line of the menu that is open."""
    return page.get_by_role("menuitem", name=name, exact=True)


# --- the dock -----------------------------------------------------------------------------------


def dock(page: Page) -> Locator:
    """The dock over the canvas, unfolded."""
    return page.locator(".pb-dock")


def settings(page: Page) -> Locator:
    """The settings of what is selected."""
    return page.locator(".pb-dock .pb-form")


def side(page: Page) -> Locator:
    """The panel of the tab in front."""
    return page.locator(".pb-dock-body")


def tab(page: Page, name: str) -> None:
    """Bring a tab of the dock to the front, folded or not."""
    tabs = page.locator(".pb-dock [role=tab], .pb-rail button")
    tabs.filter(has_text=re.compile(f"^{name}")).click()
    expect(front(page)).to_have_text(re.compile(f"^{name}"))


def front(page: Page) -> Locator:
    """The tab that is in front."""
    return page.locator(".pb-dock [role=tab][aria-selected=true]")


# --- running and talking ------------------------------------------------------------------------


def run(page: Page) -> Locator:
    """Press Run; the panel, which shows the run."""
    toolbar(page, "Run").click()
    return side(page)


def finished(page: Page) -> Locator:
    """The panel, once it says that the run has finished."""
    expect(side(page).get_by_text("Finished").first).to_be_visible()
    return side(page)


def chat(page: Page) -> Locator:
    """The chat in the dock."""
    return page.locator(".pb-dock .pb-chat")


def chat_box(page: Page) -> Locator:
    """Where a message is typed."""
    return chat(page).get_by_role("textbox", name="Message", exact=True)


def messages(page: Page) -> Locator:
    """What was said so far, by both."""
    return chat(page).locator(".mine, .answer")


def ended(page: Page, count: int) -> None:
    """Wait until so many turns of the chat have ended: each has its buttons then."""
    branches = chat(page).get_by_role("button", name="Go on from here in a new chat", exact=True)
    expect(branches).to_have_count(count)
    expect(chat_box(page)).to_be_enabled()
    expect(chat(page).get_by_role("button", name="Send", exact=True)).to_be_visible()


def say(page: Page, text: str) -> None:
    """Send a message, once the box takes one."""
    box = chat_box(page)
    expect(box).to_be_enabled()
    box.fill(text)
    expect(box).to_have_value(text)
    expect(chat(page).get_by_role("button", name="Send", exact=True)).to_be_visible()
    box.press("Enter")


# --- the Flows page -----------------------------------------------------------------------------


def own(page: Page, title: str = "") -> Locator:
    """The cards of a person's own flows, or the one of this title."""
    cards = page.get_by_role("region", name="Your flows", exact=True).locator(".card")
    return page.get_by_role("article", name=title, exact=True).and_(cards) if title else cards


def templates(page: Page) -> Locator:
    """The cards of the templates."""
    return page.get_by_role("region", name="Templates", exact=True).locator(".card")


# --- the other pages ----------------------------------------------------------------------------


def open_latest_run(studio: Server, page: Page) -> None:
    """The Runs page, on the run that this browser began last."""
    page.goto(f"{studio.url}/runs")
    listed = page.get_by_test_id("stMainBlockContainer")
    expect(listed.get_by_role("heading", name="Runs", exact=True)).to_be_visible()
    drawn(page)
    listed.get_by_role("button", name="Open", exact=True).first.click()
    expect(page).to_have_url(re.compile(r"/runs\?run="))
