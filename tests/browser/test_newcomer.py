"""A newcomer's first own flow, in few gestures; and the steps that lead to it."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from patchbay.flows.document.reading import read_flow
from tests.browser.editor_page import drawn, own, shoot, side
from tests.browser.harness import ROOT, serve
from tests.browser.newcomer import first_own_flow

MOST = 8
"""Gestures in which the first own flow must answer. How long it takes is measured in `bench`."""


def test_the_first_own_flow_answers_within_eight_gestures_and_the_steps_can_be_left(
    tmp_path: Path, empty_page: Page
) -> None:
    page = empty_page
    with serve(ROOT / "studio" / "app.py", tmp_path / "home") as server:
        page.goto(server.url)
        steps = page.locator(".st-key-first-steps")
        expect(steps.get_by_role("button", name="Take the smallest")).to_be_visible()
        expect(steps.get_by_role("button", name="Open it")).to_be_disabled()
        shoot(page, "first-steps")
        gestures = first_own_flow(server, page)
        assert len(gestures) <= MOST, gestures
        expect(side(page).get_by_text("Finished").first).to_be_visible()
        assert len(read_flow(server.home / "flows" / "untitled.json").nodes) == 5
        page.goto(server.url)
        expect(own(page, "Untitled")).to_be_visible()
        expect(steps.get_by_text("done", exact=True)).to_have_count(2)
        drawn(page)
        steps.get_by_role("button", name="Leave this").click()
        expect(steps).to_have_count(0)
        page.goto(server.url)
        expect(own(page, "Untitled")).to_be_visible()
        expect(steps).to_have_count(0)
