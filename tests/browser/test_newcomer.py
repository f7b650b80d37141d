"""A newcomer who reads nothing: from the first page to an answer of a flow of one's own."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from patchbay.flows.document.reading import read_flow
from tests.browser.editor_page import drawn, finished, front, own, settings, shoot, side
from tests.browser.flow_files import wait_for
from tests.browser.harness import ROOT, serve

MOST = 8
"""Gestures (clicks and fields typed into) in which the first own flow must answer."""


def test_the_first_own_flow_answers_within_eight_gestures_and_the_steps_can_be_left(
    tmp_path: Path, empty_page: Page
) -> None:
    page = empty_page
    gestures: list[str] = []
    with serve(ROOT / "studio" / "app.py", tmp_path / "home") as server:
        page.goto(server.url)
        steps = page.locator(".st-key-first-steps")
        expect(steps.get_by_role("button", name="Take the smallest")).to_be_visible()
        expect(steps.get_by_role("button", name="Open it")).to_be_disabled()
        shoot(page, "first-steps")
        steps.get_by_role("button", name="New canvas").click()
        gestures.append("New canvas")
        page.get_by_role("button", name="Start with these five").click()
        gestures.append("Start with these five")
        expect(page.locator(".pb-node")).to_have_count(5)
        prompt = page.locator(".react-flow__node").filter(has_text="Prompt template")
        prompt.locator(".pb-head").click()
        gestures.append("the prompt")
        template = settings(page).get_by_role("textbox", name="Template")
        template.fill("Answer in one word: {question}")
        gestures.append("its text")
        file = server.home / "flows" / "untitled.json"
        wait_for(page, lambda: "one word" in file.read_text("utf-8"))
        main = page.get_by_test_id("stMain")
        main.get_by_role("button", name="Run", exact=True).first.click()
        gestures.append("Run")
        expect(front(page)).to_have_text("Run")
        finished(page)
        assert len(gestures) <= MOST, gestures
        expect(side(page).get_by_text("Finished").first).to_be_visible()
        assert len(read_flow(file).nodes) == 5
        page.goto(server.url)
        expect(own(page, "Untitled")).to_be_visible()
        expect(steps.get_by_text("done", exact=True)).to_have_count(2)
        drawn(page)
        steps.get_by_role("button", name="Leave this").click()
        expect(steps).to_have_count(0)
        page.goto(server.url)
        expect(own(page, "Untitled")).to_be_visible()
        expect(steps).to_have_count(0)
