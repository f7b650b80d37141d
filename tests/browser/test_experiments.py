"""Variants of a flow tried in the studio: set up, run, looked at, used."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from patchbay.flows.experiments.cases import FlowCase
from patchbay.flows.experiments.judged import judges_of
from patchbay.flows.experiments.keeping import SCHEMA
from patchbay.flows.experiments.plan import ExperimentPlan
from tests.browser.editor_page import (
    chat,
    drawn,
    edit,
    icon,
    messages,
    press_to,
    say,
    shoot,
    tab,
    toolbar,
)
from tests.browser.flow_files import put, wait_for
from tests.browser.harness import Server, another, let_in

ECHO = {
    "format": 1,
    "name": "Say it",
    "nodes": [
        {"id": "in", "kind": "io.input", "version": 1, "params": {"name": "text"}},
        {"id": "say", "kind": "prompt.template", "version": 1,
         "params": {"template": "no {text}"}},
        {"id": "out", "kind": "io.output", "version": 1, "params": {"name": "answer"}},
    ],
    "edges": [
        {"from": "in.value", "to": "say.text"},
        {"from": "say.text", "to": "out.value"},
    ],
}  # fmt: skip


def holds_lines(file: Path, count: int) -> bool:
    """Whether a file is there, and all of so many lines are in it."""
    return file.is_file() and file.read_text("utf-8").count("\n") >= count


def test_variants_are_tried_and_the_best_is_used(
    studio: Server, page: Page, browser: Browser
) -> None:
    path = put(studio, "say-it", ECHO)
    cases = [{"text": f"word {n}", "expected": f"word {n}"} for n in range(30)]
    (studio.home / "cases").mkdir(exist_ok=True)
    (studio.home / "cases" / "words.jsonl").write_text(
        "".join(json.dumps(case) + "\n" for case in cases)
    )
    edit(studio, page, "say-it", "say")
    press_to(page, icon(page, "variants"), re.compile(r"/experiments\?flow="))
    main = page.get_by_test_id("stMainBlockContainer")
    expect(main.get_by_text("The grid will show here")).to_be_visible()
    main.get_by_role("button", name="Vary a param").click()
    axis = main.locator("[class*='st-key-exp-'][class*='-axis-0']")
    expect(axis.get_by_label("Value 1")).to_have_value("no {text}")
    axis.get_by_role("button", name="Another value").click()
    second = axis.get_by_label("Value 2")
    second.fill("{text}")
    second.press("Control+Enter")
    drawn(page)
    box = main.get_by_role("combobox", name="Set of cases")
    box.click()
    page.get_by_role("option", name="words").click()
    expect(main.get_by_text("2 variants")).to_be_visible()
    shoot(page, "experiment-setup")
    main.get_by_role("button", name="Run", exact=True).click()
    expect(main.get_by_text("Finished", exact=True)).to_be_visible()
    expect(main.get_by_text("better than the first by 1.000")).to_be_visible()
    drawn(page)
    main.get_by_role("button", name="1.000").click()
    shown = main.get_by_text("should be: word 0", exact=True)
    expect(shown).to_be_visible()
    shoot(page, "experiment-grid")
    drawn(page)
    main.get_by_role("button", name="Use the best").click()
    expect(main.get_by_text("Undo in the editor takes it back")).to_be_visible()
    wait_for(page, lambda: '"template": "{text}"' in path.read_text("utf-8"))

    press_to(page, main.get_by_role("button", name="Its run").first, re.compile(r"/runs\?run="))
    expect(page).to_have_url(re.compile(r"/runs\?run="))
    expect(main.get_by_text("The same without the studio")).to_be_visible()
    expect(main.get_by_text("word 0").first).to_be_visible()

    edit(studio, page, "say-it", "say")
    expect(toolbar(page, "Run")).to_be_visible()
    page.goto(f"{studio.url}/experiments")
    row = main.get_by_text("2 template, words, exact")
    expect(row).to_be_visible()
    drawn(page)
    page.locator(".st-key-open-say-it button").click()  # other tests have tried others
    expect(main.get_by_text("better than the first by 1.000")).to_be_visible()

    stranger = let_in(another(browser)).new_page()
    stranger.goto(f"{studio.url}/experiments?experiment=say-it")
    expect(stranger.get_by_text("There is no such experiment")).to_be_visible()
    drawn(page)
    main.get_by_role("button", name="Share").click()
    expect(main.get_by_role("button", name="Share")).to_have_count(0)
    stranger.reload()
    expect(stranger.get_by_text("better than the first by 1.000")).to_be_visible()
    stranger.context.close()


def test_a_thumb_on_an_answer_makes_a_case(studio: Server, page: Page) -> None:
    put(studio, "thumbed", ECHO | {"name": "Thumbed"})
    edit(studio, page, "thumbed", "say")
    tab(page, "Chat")
    say(page, "way")
    expect(messages(page)).to_have_count(2)
    expect(messages(page).last.get_by_text("no way", exact=True)).to_be_visible()
    chat(page).get_by_role("button", name="Good answer").click()
    kept = studio.home / "serve-feedback.jsonl"
    wait_for(page, lambda: kept.is_file() and '"rating": 1' in kept.read_text("utf-8"))
    shoot(page, "chat-thumb")
    page.goto(f"{studio.url}/experiments?flow=thumbed")
    main = page.get_by_test_id("stMainBlockContainer")
    expect(main.get_by_role("tab", name="Runs and chats")).to_be_visible()
    drawn(page)
    main.get_by_role("tab", name="Runs and chats").click()
    main.get_by_role("button", name="Add to Thumbed").click()
    made = studio.home / "cases" / "Thumbed.jsonl"
    wait_for(page, lambda: holds_lines(made, 1))
    row = json.loads(made.read_text("utf-8"))
    assert (row["text"], row["expected"], row["rating"]) == ("way", "no way", 1)


def test_answers_are_rated_side_by_side(studio: Server, page: Page) -> None:
    put(studio, "rated", ECHO | {"name": "Rated"})
    kept = studio.home / "experiments" / "rated"
    kept.mkdir(parents=True)
    variants = [{"name": name, "key": name, "changes": {}} for name in ("short", "long")]
    rows = [{"key": one["key"]} for one in variants]
    (kept / "summary.json").write_text(json.dumps({"variants": variants, "rows": rows}))
    plan = ExperimentPlan(flow=str(studio.home / "flows" / "rated.json"), checks=["versus"])
    (kept / "plan.json").write_text(plan.model_dump_json())
    (judge,) = judges_of(plan, ["short", "long"])
    with sqlite3.connect(kept / "cells.sqlite") as db:
        db.executescript(SCHEMA)
        for n in range(2):
            db.execute(
                "INSERT INTO cases VALUES (?, ?, ?, ?)",
                (n + 1, f"c{n}", json.dumps({"text": f"question {n}"}), "null"),
            )
            place = judge.place(FlowCase(n + 1, {"text": f"question {n}"}))
            for name in ("short", "long"):
                verdict = json.dumps({place: [float(n), ""]} if name == "long" else {})
                db.execute(
                    "INSERT INTO cells VALUES (?, ?, ?, '', 0, 0, '', '{}', 0, ?)",
                    (name, f"c{n}", json.dumps(f"a {name} answer {n}"), verdict),
                )
    page.goto(f"{studio.url}/experiments?experiment=rated&rate=1")
    main = page.get_by_test_id("stMainBlockContainer")
    expect(main.get_by_text("question 0", exact=True)).to_be_visible()
    left = main.locator("[class*='-answer-A']")
    expect(left.get_by_text("answer 0")).to_be_visible()
    shoot(page, "rating")
    liked = "long" if left.get_by_text("a long answer 0").count() else "short"
    drawn(page)
    main.get_by_role("button", name="A is better").click()
    expect(main.get_by_text("question 1", exact=True)).to_be_visible()
    expect(main.get_by_text("1 rating · by 1 rater")).to_be_visible()
    drawn(page)
    main.get_by_role("button", name="Neither is better").click()
    expect(main.get_by_text("All of them are rated.")).to_be_visible()
    drawn(page)
    main.get_by_role("button", name="Save 1 preference for Preference data").click()
    made = studio.home / "flows" / "ratings" / "rated-pair.jsonl"
    wait_for(page, lambda: holds_lines(made, 1))
    row = json.loads(made.read_text("utf-8"))
    assert (row["prompt"], row["chosen"]) == ("question 0", f"a {liked} answer 0")
    drawn(page)
    main.get_by_role("button", name="Save 2 preferences of the judge").click()
    judged = studio.home / "flows" / "ratings" / "rated-judge.jsonl"
    wait_for(page, lambda: holds_lines(judged, 2))
    found = [json.loads(line)["chosen"] for line in judged.read_text("utf-8").splitlines()]
    assert found == ["a short answer 0", "a long answer 1"]
    drawn(page)
    name = main.get_by_label("Who rates")
    name.fill("ada")
    name.press("Enter")
    expect(main.get_by_text("question 0", exact=True)).to_be_visible()
    drawn(page)
    main.get_by_role("button", name="B is better").click()
    expect(main.get_by_text("Krippendorff's alpha")).to_be_visible()
    shoot(page, "rating-agreement")
