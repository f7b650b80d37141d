"""A flow that is run over a table in the studio."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.editor_page import drawn, menu, own, shoot
from tests.browser.flow_files import put
from tests.browser.harness import Server

PICKY = {
    "format": 1,
    "name": "Pick one",
    "nodes": [
        {
            "id": "in", "kind": "io.input", "version": 1,
            "params": {"name": "review", "kind": "choice", "choices": ["good", "bad"]},
        },
        {"id": "out", "kind": "io.output", "version": 1, "params": {"name": "label"}},
    ],
    "edges": [{"from": "in.value", "to": "out.value"}],
}  # fmt: skip


def test_a_flow_runs_over_a_dropped_table(studio: Server, page: Page) -> None:
    put(studio, "pick-one", PICKY)
    page.goto(studio.url)
    card = own(page, "Pick one")
    card.get_by_role("button", name="More").click()
    menu(page, "Run over a table").click()
    expect(page.get_by_text("Run “Pick one” over a table")).to_be_visible()
    table = "id,Text,note\n" + "".join(
        f"{n},{'ugly' if n % 40 == 7 else 'good'},\n" for n in range(200)
    )
    drop = page.get_by_test_id("stFileUploaderDropzoneInput")
    drop.set_input_files({"name": "empty.csv", "mimeType": "text/csv", "buffer": b""})
    expect(page.get_by_text("holds no rows")).to_be_visible()
    drawn(page)
    drop.set_input_files({"name": "reviews.csv", "mimeType": "text/csv", "buffer": table.encode()})
    expect(page.get_by_text("The first rows of reviews.csv")).to_be_visible()
    run = page.get_by_role("button", name="Run over the table")
    expect(run).to_be_disabled()
    drawn(page)
    page.get_by_role("combobox", name=re.compile("review")).click()
    page.get_by_role("option", name="Text").click()
    expect(run).to_be_enabled()
    shoot(page, "table-form")
    drawn(page)
    run.click()
    expect(page.get_by_text("Finished", exact=True)).to_be_visible()
    expect(page.get_by_text("200 rows", exact=False).first).to_be_visible()
    failed = page.locator(".st-key-table-failed")
    expect(failed).to_be_visible()
    shoot(page, "table-done")
    drawn(page)
    with page.expect_download() as download:
        page.locator(".st-key-table-csv").get_by_role("button").click()
    assert download.value.suggested_filename == "reviews-done.csv"
    lines = download.value.path().read_text().splitlines()
    assert lines[:2] == ["id,Text,note,label", "0,good,,good"]
    assert len(lines) == 1 + 195
    page.get_by_role("button", name="All tables").click()
    expect(page.get_by_text("reviews.csv", exact=True)).to_be_visible()
    shoot(page, "tables")
    drawn(page)
    page.get_by_test_id("stBaseButton-secondary").filter(has_text="Open").click()
    expect(page.get_by_role("button", name="Delete")).to_be_visible()
    drawn(page)
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No flow has been run over a table yet.")).to_be_visible()
