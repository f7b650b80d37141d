"""Checks that are flows, limits, and what is scored by them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.document.model import RunPolicy
from patchbay.flows.document.reading import read_flow
from patchbay.flows.document.writing import save_flow
from patchbay.flows.experiments import judging
from patchbay.flows.experiments.cases import FlowCase
from patchbay.flows.experiments.grid import _money, grid_of
from patchbay.flows.experiments.judging import FlowCheck, read_any_check
from patchbay.flows.experiments.keeping import ExperimentCell
from patchbay.flows.experiments.running import Experiment
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.events import ModelTokens, Tokens
from tests.flows.experiments.small import AXIS, ECHO, made, ran
from tests.flows.runs.harness import environment, flow


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def judge(folder: Path, name: str, expression: str, *inputs: str, output: str = "score") -> None:
    """A flow that judges by an expression over its inputs."""
    nodes: dict[str, Any] = {
        n: ("io.input", {"name": n, "default": ""}) for n in inputs
    } | {
        "all": ("prompt.chat", {"turns": [{"role": "user", "text": f"{{{n}}}"} for n in inputs]}),
        "say": ("data.transform", {"expression": expression, "gives": "json"}),
        "out": ("io.output", {"name": output}),
    }  # fmt: skip
    wires = [f"{n}.value > all.{n}" for n in inputs]
    wires += ["all.messages > say.value", "say.result > out.value"]
    save_flow(flow(nodes, wires, name=name), folder / f"{name}.json")


def checked(tmp_path: Path, *checks: str, table: str | None = None) -> Experiment:
    given = {} if table is None else {"table": table}
    experiment = made(tmp_path, AXIS, **given)
    experiment.checks = [read_any_check(text, tmp_path) for text in checks]
    experiment.__post_init__()
    return experiment


def test_a_flow_of_ones_own_is_a_check(tmp_path: Path) -> None:
    judge(tmp_path, "mine", "length([0].content) == `3` && `1` || `0.25`", "answer", "rubric")
    experiment = checked(tmp_path, "flow:mine.json:short", "exact")
    told: list[tuple[int, int]] = []
    asyncio.run(experiment.run(environment(), lambda cell, *at: told.append(at)))
    grid = grid_of(experiment)
    means = [one.interval.mean for one in grid if one.interval]
    assert means[:3] == [0.625, 0.25, 0.25]
    assert told[-1] == (12, 12)
    # What was said is kept: nothing is asked again, by this experiment or by the next.
    again = checked(tmp_path, "flow:mine.json:short")
    assert ran(again) == []
    assert [one.interval for one in grid_of(again)] == [one.interval for one in grid[:3]]
    # Another rubric is another check, and asks anew without a run of the flow itself.
    other = checked(tmp_path, "flow:mine.json:long")
    cells = ran(other)
    assert len(cells) == 12
    assert {len(cell.judged) for cell in cells} == {2}


def nested(folder: Path, score: str) -> None:
    """`outer` judges by what `inner` says, which runs `innermost`."""
    judge(folder, "innermost", score, "answer", output="answer")
    said = {"answer": "text"}
    for name, runs in (("inner", "innermost"), ("outer", "inner")):
        nodes = {
            "answer": ("io.input", {"name": "answer", "default": ""}),
            "ask": (
                "logic.run_flow",
                {"flow": runs, "inputs": said, "outputs": {"answer": "json"}},
            ),
            "out": ("io.output", {"name": "answer"}),
        }
        wires = ["answer.value > ask.answer", "ask.answer > out.value"]
        save_flow(flow(nodes, wires, name=name), folder / f"{name}.json")


def test_a_judge_that_is_changed_asks_anew_wherever_the_change_is(tmp_path: Path) -> None:
    nested(tmp_path, "`1`")
    first = checked(tmp_path, "flow:outer.json")
    assert len(ran(first)) == 12
    assert ran(checked(tmp_path, "flow:outer.json")) == []
    nested(tmp_path, "`0.5`")  # two flows down
    changed = checked(tmp_path, "flow:outer.json")
    assert len(ran(changed)) == 12
    assert {one.interval.mean for one in grid_of(changed) if one.interval} == {0.5}
    assert first.checks[0].key != changed.checks[0].key


def test_what_a_judge_does_counts_and_where_its_boxes_lie_does_not(tmp_path: Path) -> None:
    def key(change: Mapping[str, Any]) -> str:
        judge(tmp_path, "mine", "`1`", "answer")
        document = read_flow(tmp_path / "mine.json")
        nodes = tuple(n.model_copy(update=change if n.id == "say" else {}) for n in document.nodes)
        save_flow(document.model_copy(update={"nodes": nodes}), tmp_path / "mine.json")
        return read_any_check("flow:mine.json", tmp_path).key

    plain = key({})
    assert key({"title": "Another"}) == plain
    others = [key({"disabled": True}), key({"run": RunPolicy(retries=3)}), key({"params": {}})]
    assert len({plain, *others}) == 4


def test_two_answers_are_judged_in_both_orders(tmp_path: Path) -> None:
    # One that always likes what stands first: a tie, whichever it is shown first.
    judge(tmp_path, "biased", "'first'", "first", "second", output="better")
    # One that likes an answer with an exclamation mark.
    judge(tmp_path, "fair", "contains([0].content, '!') && 'first' || "
          "contains([1].content, '!') && 'second' || 'tie'", "first", "second",
          output="better")  # fmt: skip
    experiment = checked(tmp_path, "flow:biased.json", "flow:fair.json")
    ran(experiment)
    means = [one.interval.mean for one in grid_of(experiment) if one.interval]
    assert means == [0.5, 0.5, 0.5, 0.5, 1.0, 0.5]
    notes = {one.note for cell in experiment.cells.values() for one in cell.judged.values()}
    assert "shown first: first; shown second: second" in notes
    assert "shown first: first; shown second: first" in notes


def test_a_judge_that_fails_is_said_and_asked_again(tmp_path: Path) -> None:
    judge(tmp_path, "wrong", "`7`", "answer")
    experiment = checked(tmp_path, "flow:wrong.json")
    ran(experiment)
    assert "which is no score" in experiment.refused
    assert all(one.interval is None for one in grid_of(experiment))
    assert len(ran(checked(tmp_path, "flow:wrong.json"))) == 12
    assert ran(checked(tmp_path, "exact")) == []


@pytest.mark.parametrize(
    ("check", "message"),
    [
        ("flow:none.json", "needs"), ("flow:", "no check"), ("judges", "no check"),
        ("flow:echo.json", "takes no answer"), ("seconds:soon", "names no limit"),
        ("memory:much", "names no limit"), ("cost:", "no check"),
    ],
)  # fmt: skip
def test_a_check_that_is_none(check: str, message: str, tmp_path: Path) -> None:
    save_flow(ECHO, tmp_path / "echo.json")
    with pytest.raises(FlowError, match=message):
        read_any_check(check, tmp_path)


def test_what_ships_can_be_a_check(tmp_path: Path) -> None:
    judge_, pair, alike = (
        read_any_check(text, tmp_path) for text in ("judge:is kind", "versus", "similarity")
    )
    assert isinstance(judge_, FlowCheck)
    assert isinstance(pair, FlowCheck)
    assert (judge_.rubric, judge_.pair, judge_.needs_expected) == ("is kind", False, False)
    assert pair.pair
    assert alike.needs_expected


@pytest.mark.parametrize(
    ("said", "score"),
    [
        (0.25, 0.25), ("0.8", 0.8), ("Of 3 facts 2 are right. Score: 0.67", 0.67), (True, 1),
        ("0.8 out of 1", 0.8), ("Score: 4/5", 0.8), ("80%", 0.8), (".5", 0.5), (-0.2, 0),
        ({"score": "1/2"}, 0.5),
        ("7", None), ("6/5", None), ("1/0", None), ("well", None), ("120 %", None), (None, None),
        (float("nan"), None),
    ],
)  # fmt: skip
def test_the_score_in_what_a_judge_says(said: Any, score: float | None) -> None:
    if score is not None:
        assert judging._score(said) == pytest.approx(score)
        return
    with pytest.raises(FlowError, match="which is no score"):
        judging._score(said)


def test_a_run_that_failed_counts_where_others_can_be_scored(tmp_path: Path) -> None:
    alike, judge_ = (read_any_check(text, tmp_path) for text in ("similarity", "judge"))
    failed = ExperimentCell("v", "c", error="it broke")
    assert alike.of(failed, FlowCase(1, {}, None)) is None
    assert alike.of(failed, FlowCase(1, {}, "right")) == 0
    assert judge_.of(failed, FlowCase(1, {}, None)) == 0


@pytest.mark.parametrize(
    ("check", "changes", "score"),
    [
        ("seconds:2", {"seconds": 1.5}, 1), ("seconds:2", {"seconds": 2.5}, 0),
        ("tokens:10", {"tokens": 11}, 0), ("cost:0.1", {"cost": {"USD": 0.05}}, 1),
        ("cost:0.1", {}, None), ("cost:0.1", {"cost": {"EUR": 0.05, "USD": 0.01}}, None),
        ("cost:0.1 EUR", {"cost": {"EUR": 0.05}}, 1), ("cost:0.1 EUR", {"cost": {"USD": 9}}, None),
        ("cost:0.1 EUR", {"cost": {"EUR": 0.05, "USD": 9}}, None),
        ("memory:1 GB", {"memory": 2_000_000_000}, 0),
        ("memory:500MB", {"memory": 400_000_000}, 1), ("memory:1 GB", {}, None),
        ("seconds:2", {"error": "it broke"}, 0),
    ],
)  # fmt: skip
def test_limits(check: str, changes: Mapping[str, Any], score: Any, tmp_path: Path) -> None:
    cell = replace(ExperimentCell("v", "c"), **changes)
    assert read_any_check(check, tmp_path).of(cell, FlowCase(1, {}, None)) == score


TWO = """[prices.models."here"]
input = 1
output = 1
[prices.models."there"]
input = 1
output = 1
currency = "EUR"
"""


def test_money_of_two_currencies_is_never_added(tmp_path: Path, own_home: Path) -> None:
    own_home.mkdir(exist_ok=True)
    (own_home / "settings.toml").write_text(TWO, encoding="utf-8")
    with pytest.raises(FlowError, match="names no currency") as refused:
        read_any_check("cost:0.1", tmp_path)
    assert "cost:0.1 EUR" in refused.value.problems[0].fix
    assert read_any_check("cost:0.1 USD", tmp_path).name == "cost:0.1 USD"
    with pytest.raises(FlowError, match="names no limit"):
        read_any_check("cost:much EUR", tmp_path)


def test_what_a_run_costs_that_is_known_in_part_is_not_known(
    tmp_path: Path, own_home: Path
) -> None:
    own_home.mkdir(exist_ok=True)
    (own_home / "settings.toml").write_text(TWO, encoding="utf-8")
    each = ModelTokens("here", 500_000, 0, 500_000), ModelTokens("elsewhere", 1, 0, 1)
    experiment = checked(tmp_path, "exact")
    for models, cost in ((each[:1], {"USD": 1.0}), (each, {})):
        read, written = sum(m.prompt for m in models), sum(m.completion for m in models)
        spent = Tokens(read, written, models=models)
        assert experiment._of(("v", "c"), {"answer": "x"}, 1.0, spent, "").cost == cost
    # The mean is of those that are known: what is not known is not nothing.
    cells = [ExperimentCell("v", "a", cost={"USD": 2.0}), ExperimentCell("v", "b"),
             ExperimentCell("v", "c", cost={"EUR": 4.0})]  # fmt: skip
    assert _money(cells) == {"EUR": 2.0, "USD": 1.0}


def test_similarity_by_the_real_embeddings(tmp_path: Path) -> None:
    from patchbay.flows.runs.defaults import default_environment

    check = read_any_check("similarity", tmp_path)
    assert isinstance(check, FlowCheck)
    case = FlowCase(1, {"text": "x"}, "A kitten naps on a cushion.")
    scores = []
    for said in ("The cat sleeps\non the sofa.", "Savings accounts pay more.", " "):
        cell = ExperimentCell("v", "c", said)
        judged = asyncio.run(check.judge(cell, None, case, default_environment()))
        scores.append(judged.score)
    assert scores[0] > 0.4 > scores[1] >= scores[2] == 0
