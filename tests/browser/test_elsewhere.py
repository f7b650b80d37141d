"""A flow of the studio that is used elsewhere."""

from __future__ import annotations

import json
import subprocess
import tomllib

from playwright.sync_api import Page, expect

from tests.browser.editor_page import drawn, menu, own
from tests.browser.flow_files import put
from tests.browser.harness import Server

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
    card = own(page, "Echo it")
    card.get_by_role("button", name="More").click()
    menu(page, "Use it elsewhere").click()
    dialog = page.get_by_role("dialog")
    origins = dialog.get_by_role("textbox", name="Web pages that may show it")
    origins.fill("example.org")
    origins.press("Enter")
    expect(dialog.get_by_text("is no origin")).to_be_visible()
    origins.fill("https://example.org")
    origins.press("Enter")
    expect(dialog.get_by_text("is no origin")).to_have_count(0)
    drawn(page)
    dialog.get_by_role("button", name="Start serving").click()
    expect(dialog.get_by_text("Serving", exact=True)).to_be_visible()
    expect(dialog.get_by_text("Pages of https://example.org may show it.")).to_be_visible()

    shown = dialog.get_by_test_id("stCode")
    line = shown.filter(has_text="curl ").locator("code")
    expect(line).to_contain_text("/flows/echo-it/run")
    ran = subprocess.run(["sh", "-c", f"{line.inner_text()} -s"], capture_output=True, text=True)
    assert json.loads(ran.stdout)["outputs"] == {"answer": "Hello"}, ran

    drawn(page)
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
