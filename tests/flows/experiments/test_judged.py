"""Preferences by a judge model: of its verdicts on pairs, and of its grades."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.document.writing import save_flow
from patchbay.flows.experiments.cases import FlowCase
from patchbay.flows.experiments.judged import judged_preferences, judges_among, judges_of
from patchbay.flows.experiments.keeping import ExperimentCell, Judged
from patchbay.flows.experiments.plan import ExperimentPlan, write_plan
from patchbay.flows.problems import FlowError
from patchbay.nodes.testing import run_node
from patchbay.nodes.training.preference_data import PreferenceDataNode
from tests.flows.cli.conftest import Patchbay, environ, patchbay, plugin, ready  # noqa: F401
from tests.flows.experiments.small import ECHO
from tests.flows.experiments.test_judging import checked, judge
from tests.flows.runs.harness import environment


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))


FAIR = "contains([0].content, '!') && 'first' || contains([1].content, '!') && 'second' || 'tie'"


def preferred(tmp_path: Path, *checks: str) -> list[dict[str, Any]]:
    """Judge the answers of the experiment of the other tests, and give what is preferred."""
    experiment = checked(tmp_path, *checks)
    experiment.kept.put_cases(
        (case.number, experiment.case_key(case), case.inputs, case.expected)
        for case in experiment.cases
    )
    asyncio.run(experiment.run(environment(), lambda *_: None))
    keys = [one.key for one in experiment.variants]
    return judged_preferences(experiment.kept, keys, judges_among(experiment.checks, keys))


def test_pairs_are_what_both_orders_agree_on(tmp_path: Path) -> None:
    judge(tmp_path, "biased", "'first'", "first", "second", output="better")
    assert preferred(tmp_path, "flow:biased.json") == []
    judge(tmp_path, "fair", FAIR, "first", "second", output="better")
    found = preferred(tmp_path, "flow:fair.json")
    assert found
    assert all("!" in one["chosen"] and "!" not in one["rejected"] for one in found)
    assert {one["prompt"] for one in found} == {"one", "two", "three", "four"}
    out = run_node(PreferenceDataNode, {"held_out": 0}, {"source": found})
    assert out["data"].rows == len(found)


def test_grades_order_every_two_answers(tmp_path: Path) -> None:
    judge(tmp_path, "grade", "contains([0].content, '!') && `0.9` || `0.2`", "answer")
    found = preferred(tmp_path, "flow:grade.json")
    assert found
    assert all("!" in one["chosen"] and "!" not in one["rejected"] for one in found)


def test_judges_that_say_the_opposite_give_nothing(tmp_path: Path) -> None:
    judge(tmp_path, "loud", "contains([0].content, '!') && `1` || `0`", "answer")
    judge(tmp_path, "calm", "contains([0].content, '!') && `0` || `1`", "answer")
    assert preferred(tmp_path, "flow:loud.json", "flow:calm.json") == []


def test_what_failed_is_empty_or_the_same_gives_nothing(tmp_path: Path) -> None:
    judge(tmp_path, "grade", "`1`", "answer")
    experiment = checked(tmp_path, "flow:grade.json")
    kept, keys = experiment.kept, ["a", "b"]
    (check,) = judges_among(experiment.checks, keys)
    said = [("right", "wrong"), ("same", "same"), ("", "wrong"), ("right", None)]
    for n, answers in enumerate(said):
        place = check.place(FlowCase(n, {"text": f"q{n}"}))
        for variant, answer, score in zip(keys, answers, (1.0, 0.0), strict=True):
            error = "it failed" if answer is None else ""
            kept.add(ExperimentCell(variant, f"c{n}", answer, error, judged={place: Judged(score)}))
    kept.put_cases((n + 1, f"c{n}", {"text": f"q{n}"}, None) for n in range(len(said)))
    assert judged_preferences(kept, keys, [check]) == [
        {"prompt": "q0", "chosen": "right", "rejected": "wrong"}
    ]


def test_similarity_is_no_judge_and_a_missing_one_is_said(tmp_path: Path) -> None:
    plan = ExperimentPlan(flow=str(tmp_path / "x.json"), checks=["exact", "similarity", "versus"])
    found = judges_of(plan, ["one", "two"])
    assert [(one.name, one.pair, one.against) for one in found] == [("versus", True, "one")]
    gone = plan.model_copy(update={"checks": ["flow:gone.json"]})
    with pytest.raises(FlowError, match=r"gone\.json"):
        judges_of(gone, ["one"])


def test_the_command_line_writes_them(tmp_path: Path, patchbay: Patchbay) -> None:  # noqa: F811
    path, cases, to = tmp_path / "echo.json", tmp_path / "cases.csv", tmp_path / "liked.jsonl"
    save_flow(ECHO, path)
    cases.write_text("text,expected\nyes,yes\nno,no\n", "utf-8")
    judge(tmp_path, "fair", FAIR, "first", "second", output="better")
    args = ["experiment", str(path), "--cases", str(cases), "-q", "--preferences", str(to)]
    args += ["--vary", 'say.template=["{text}", "{text}!"]']
    none = patchbay(*args, "--check", "exact")
    assert none.returncode != 0
    assert "no judge among its checks" in none.stderr
    assert not to.exists()
    done = patchbay(*args, "--check", "flow:fair.json")
    assert done.returncode == 0, done.stderr
    assert "wrote 2 preferences" in done.stderr
    rows = [json.loads(line) for line in to.read_text("utf-8").splitlines()]
    assert [one["chosen"] for one in rows] == ["yes!", "no!"]
    nowhere = [str(tmp_path / "none" / "to.jsonl") if one == str(to) else one for one in args]
    broken = patchbay(*nowhere, "--check", "flow:fair.json")
    assert broken.returncode != 0
    assert "cannot be written" in broken.stderr


def test_a_plan_of_before_is_read(tmp_path: Path) -> None:
    experiment = checked(tmp_path)
    write_plan(experiment.kept, ExperimentPlan(flow=str(tmp_path / "x.json"), checks=["exact"]))
    assert judges_of(ExperimentPlan(flow=str(tmp_path / "x.json")), ["one"]) == []
