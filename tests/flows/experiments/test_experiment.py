"""An experiment: cases, axes, checks, what is run again, what is kept, and the command."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.document.model import Flow, RunPolicy
from patchbay.flows.document.writing import save_flow
from patchbay.flows.experiments.cases import read_case_table
from patchbay.flows.experiments.checking import read_check
from patchbay.flows.experiments.grid import (
    all_said,
    as_result,
    best_of,
    grid_of,
    in_common,
    sentences,
    worse_than,
)
from patchbay.flows.experiments.keeping import ExperimentCell
from patchbay.flows.experiments.report import as_csv, as_html, as_markdown, grid_table
from patchbay.flows.problems import FlowError
from tests.flows.experiments.small import AXIS, ECHO, TABLE, made, own_home, ran  # noqa: F401
from tests.flows.runs.harness import environment, flow


def test_the_grid_scores_and_compares(tmp_path: Path) -> None:
    experiment = made(tmp_path, AXIS)
    assert len(ran(experiment)) == 12
    grid = grid_of(experiment, [read_check("exact", tmp_path), read_check("contains", tmp_path)])
    means = [one.interval.mean for one in grid if one.interval]
    assert means == [0.75, 0.0, 0.0, 0.75, 0.75, 0.75]
    assert grid[1].difference is not None
    assert (grid[1].difference.better, grid[1].difference.worse) == (0, 3)
    best = best_of(grid)
    assert best is not None
    assert best.variant.name == "template={text}"
    said = sentences(grid)
    assert "template={text}! (exact): within noise of the first; about 6 cases would settle it." \
        in said  # fmt: skip
    assert "template={text}! (contains): no case differs from the first." in said


def test_only_what_changed_runs_again(tmp_path: Path) -> None:
    assert len(ran(made(tmp_path, AXIS))) == 12
    assert ran(made(tmp_path, AXIS)) == []
    more = made(tmp_path, AXIS, table=TABLE + "five,five\n")
    assert len(ran(more)) == 3
    other = made(tmp_path, 'say.template=["{text}", "{text}?"]')
    assert len(ran(other)) == 4
    # What should come out, where boxes lie and what they are called runs nothing anew.
    renamed = ECHO.model_copy(update={"name": "Other", "description": "…"})
    assert ran(made(tmp_path, AXIS, table=TABLE.replace("three,3", "three,4"), document=renamed)) \
        == []  # fmt: skip


def joined(*order: str, **policy: Any) -> Flow:
    """The input between two texts, in the order of the wires."""
    document = flow(
        {
            "ask": ("io.input", {"name": "text"}),
            "one": ("test.text", {"text": "1"}),
            "two": ("test.text", {"text": "2"}),
            "join": ("text.join", {"separator": " "}),
            "out": ("io.output", {"name": "answer"}),
        },
        [*(f"{name} > join.texts" for name in order), "join.text > out.value"],
    )
    nodes = [node.model_copy(update={"run": RunPolicy(**policy)}) for node in document.nodes]
    return document.model_copy(update={"nodes": tuple(nodes)})


WIRES = ("ask.value", "one.text", "two.text")


def test_wires_in_another_order_are_run_anew(tmp_path: Path) -> None:
    said = {}
    for order in (WIRES, WIRES[::-1], (WIRES[1], WIRES[0], WIRES[2])):
        cells = ran(made(tmp_path, document=joined(*order), table="text,expected\na,b\n"))
        said[order] = [cell.output for cell in cells]
    assert list(said.values()) == [["a 1 2"], ["2 1 a"], ["1 a 2"]]
    assert ran(made(tmp_path, document=joined(*WIRES), table="text,expected\na,b\n")) == []


@pytest.mark.parametrize(
    "policy",
    [{"retries": 2}, {"timeout_s": 30.0}, {"on_error": "continue"}, {"cache": "never"}],
    ids=lambda policy: next(iter(policy)),
)
def test_how_nodes_are_run_counts(policy: dict[str, Any], tmp_path: Path) -> None:
    (plain,) = made(tmp_path, document=joined(*WIRES)).variants
    (other,) = made(tmp_path, document=joined(*WIRES, **policy)).variants
    (again,) = made(tmp_path, document=joined(*WIRES, **policy)).variants
    assert plain.key != other.key == again.key


def test_a_flow_inside_that_changed_is_run_anew(tmp_path: Path) -> None:
    def save(name: str, template: str, **more: Any) -> None:
        document = ECHO.with_params({"say": {"template": template}}).model_copy(update=more)
        save_flow(document, tmp_path / f"{name}.json")

    def over(name: str) -> Flow:
        params = {"flow": name, "inputs": {"text": "text"}, "outputs": {"answer": "text"}}
        return flow(
            {
                "ask": ("io.input", {"name": "text"}),
                "run": ("logic.run_flow", params),
                "out": ("io.output", {"name": "answer"}),
            },
            ["ask.value > run.text", "run.answer > out.value"],
        )

    save("inner", "{text}")
    save_flow(over("inner"), tmp_path / "middle.json")
    for name in ("inner", "middle"):
        document, table = over(name), "text,expected\na,b\n"
        save("inner", "{text}")
        assert [c.output for c in ran(made(tmp_path, document=document, table=table))] == ["a"]
        save("inner", "{text}?")
        assert [c.output for c in ran(made(tmp_path, document=document, table=table))] == ["a?"]
        assert ran(made(tmp_path, document=document, table=table)) == []


def test_a_case_without_an_answer_is_not_scored(tmp_path: Path) -> None:
    table = "text,expected\none,one\ntwo,\nthree,  \nfour,5\n"
    experiment = made(tmp_path, table=table)
    assert len(ran(experiment)) == 4
    for check in ("contains", "exact", "number"):
        grid = grid_of(experiment, [read_check(check, tmp_path)])
        assert sorted(grid[0].scores) == [1, 4]
        said = "2 of 4 cases cannot be scored."
        assert f"as it is ({check}): {said}" in sentences(grid)
    lines = "\n".join(json.dumps({"text": "a", "expected": e}) for e in ("", None, 0, False, []))
    (tmp_path / "cases.jsonl").write_text(lines, encoding="utf-8")
    cases = read_case_table(tmp_path / "cases.jsonl", ["text"]).cases
    assert [case.expected for case in cases] == [None, None, 0, False, []]


def test_an_experiment_that_was_killed_goes_on(tmp_path: Path) -> None:
    class Killed(BaseException):
        """As a signal would."""

    experiment = made(tmp_path, AXIS)
    experiment.side_by_side = 1

    def die(cell: ExperimentCell, done: int, total: int) -> None:
        if done == 5:
            raise Killed

    with pytest.raises(BaseException):  # noqa: B017, PT011 - a group with it inside
        asyncio.run(experiment.run(environment(), die))
    again = made(tmp_path, AXIS)
    assert len(ran(again)) == 7
    assert ran(made(tmp_path, AXIS)) == []


def test_a_run_that_fails_counts_as_wrong_and_is_tried_again(tmp_path: Path) -> None:
    document = flow(
        {
            "ask": ("io.input", {"name": "text"}),
            "fail": ("test.fail", {"how": "final"}),
            "out": ("io.output", {"name": "answer"}),
        },
        ["ask.value > fail.text", "fail.text > out.value"],
    )
    experiment = made(tmp_path, document=document)
    cells = ran(experiment)
    assert all(cell.error for cell in cells)
    (one,) = grid_of(experiment, [read_check("exact", tmp_path)])
    assert one.failed == 4
    assert re.fullmatch(
        r"4 runs have failed: (no luck \d; ){3}and others\.", all_said(experiment, [one])[-1]
    )
    assert one.interval is not None
    assert one.interval.mean == 0
    assert len(ran(made(tmp_path, document=document))) == 4


def test_worse_than_the_last_time(tmp_path: Path) -> None:
    table = "text,expected\n" + "".join(f"w{n},w{n}\n" for n in range(12))
    experiment = made(tmp_path, table=table)
    ran(experiment)
    exact = [read_check("exact", tmp_path)]
    good = grid_of(experiment, exact)
    last = as_result(good, experiment.cases)
    assert worse_than(good, experiment.cases, last) == []
    last_but_other = json.loads(json.dumps(last))
    worse = ECHO.with_params({"say": {"template": "no {text}"}})
    bad = made(tmp_path, table=table, document=worse)
    ran(bad)
    (line,) = worse_than(grid_of(bad, exact), bad.cases, last_but_other)
    assert line == "as it is (exact): -1.000 on 12 cases, 12 worse and 0 better"


@pytest.mark.parametrize(
    ("check", "given", "right", "score"),
    [
        ("exact", " Positive. ", "positive", 1), ("exact", "positive!", "positive", 0),
        ("exact", 3.0, "3", 1),
        ("exact", {"a": 1, "b": ["X."]}, '{"b": ["x"], "a": 1.0}', 1),
        ("exact", '{"a":1}', {"a": 1}, 1), ("exact", '[1,\n2]', "[1, 2]", 1),
        ("exact", {"a": 1}, '{"a": true}', 0), ("exact", {"a": 1}, '{"a": 1', 0),
        ("exact", [1, 2], "[2, 1]", 0), ("exact", {"a": 1}, "{'a': 1}", 0),
        ("contains", "It is Paris, of course", "paris", 1),
        ("contains", "London", "Paris", 0),
        ("contains", "London", "", 0), ("contains", "London", " . ", 0), ("contains", "", ".", 1),
        ("number", "3 + 4 = 7", "7", 1),
        ("number", "about 7.2", 7, 0), ("number:0.5", "about 7.2", 7, 1),
        ("number", "none", 7, 0), ("number", "1,234.5", 1234.5, 1),
        ("number", "It is \u22122.", "-2", 1), ("number", "one of 3,4", "4", 1),
        ("number", "between 3-5", "5", 1), ("number", "1e999", "7", 0),
    ],
)  # fmt: skip
def test_checks(check: str, given: Any, right: Any, score: float, tmp_path: Path) -> None:
    assert read_check(check, tmp_path).score(given, right) == score


def test_a_schema_needs_nothing_that_should_come_out(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text('{"type": "object", "required": ["a"]}')
    check = read_check("schema:s.json", tmp_path)
    assert not check.needs_expected
    assert [check.score(given, None) for given in ('{"a": 1}', {"b": 1}, "{")] == [1, 0, 0]


def test_reports_hold_what_was_said_without_acting(tmp_path: Path) -> None:
    table = 'text,expected\n"<script>alert(1)</script>",x\n"=1+1",x\n'
    experiment = made(tmp_path, 'say.template=["{text}", "=SUM({text})"]', table=table)
    ran(experiment)
    grid = grid_of(experiment, [read_check("exact", tmp_path)])
    shown = grid_table(grid, "Echo")
    rows = list(csv.reader(io.StringIO(as_csv(shown))))
    assert rows[0][0] == "variant"
    assert rows[2][0] == "template==SUM({text})"
    page = as_html([shown], ["<b>"], "Echo <1>")
    assert "<script" not in page
    assert "Echo &lt;1&gt;" in page
    assert as_markdown([shown], sentences(grid)).startswith("**Echo**")


@pytest.mark.parametrize(
    ("axis", "message"),
    [
        ("template=a", "is no axis"), ("say.template=", "is no axis"), ("say=a", "is no axis"),
        ("other.x=1", 'a node "other" that is not there'),
        ("say.size=1", "In the variant size=1: "),
    ],
)  # fmt: skip
def test_an_axis_that_is_none(axis: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(FlowError) as caught:
        made(tmp_path, axis)
    problem = caught.value.problems[0]
    assert message in problem.message
    assert problem.fix
    assert problem.severity == "error"
    assert problem.place == ("say.size" if "variant" in message else "")


def test_a_param_is_one_axis(tmp_path: Path) -> None:
    with pytest.raises(FlowError, match="is an axis twice") as caught:
        made(tmp_path, "say.template=a", "say.template=b")
    assert caught.value.problems[0].fix.endswith("say.template=one,other.")


LONG = "You are a helpful assistant who answers every question in one word"


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (
            [f"{LONG}. {{text}}", f"{LONG}, please. {{text}}", "{text}"],
            ["…estion in one word. {text}", "…estion in one word, please. {text}", "{text}"],
        ),
        (
            [f"{LONG} {n} {LONG} {{text}}" for n in (1, 2)],
            [f"…stion in one word {n} You are a helpful assistant who answ…" for n in (1, 2)],
        ),
        (["{text}", "{text} "], ["{text} (1)", "{text} (2)"]),
        (
            [f"{LONG} {{text}}", f"{LONG} {{text}} "],
            ["…in one word {text} (1)", "…in one word {text} (2)"],
        ),
    ],
    ids=["at the end", "in the middle", "blanks", "blanks behind"],
)
def test_long_values_are_told_apart_by_name(
    values: list[str], names: list[str], tmp_path: Path
) -> None:
    """Prompts that begin alike had one name, so that a report could not be read."""
    experiment = made(tmp_path, f"say.template={json.dumps(values)}")
    assert [one.name for one in experiment.variants] == [f"template={name}" for name in names]


def test_a_result_is_compared_by_values_and_not_by_names(tmp_path: Path) -> None:
    """A third value beside two may change what all are called."""
    table = "text,expected\n" + "".join(f"w{n},{LONG} w{n}\n" for n in range(12))
    one, other, third = (f"{LONG} {{text}}", f"{LONG}, {{text}}", f"{LONG}! {{text}}")
    before = made(tmp_path, f"say.template={json.dumps([one, '{text}'])}", table=table)
    after = made(tmp_path, f"say.template={json.dumps([one, other, third])}", table=table)
    ran(before), ran(after)
    assert before.variants[0].name != after.variants[0].name
    exact = [read_check("exact", tmp_path)]
    last = json.loads(json.dumps(as_result(grid_of(before, exact), before.cases)))
    assert in_common(grid_of(after, exact), after.cases, last) == 1
    for held in last["variants"]:
        held["scores"] = dict.fromkeys(held["scores"], 2.0)
    assert len(worse_than(grid_of(after, exact), after.cases, last)) == 1


@pytest.mark.parametrize("check", ["exactly", "number:x", "schema:", "schema:none.json"])
def test_a_check_that_is_none(check: str, tmp_path: Path) -> None:
    with pytest.raises(FlowError) as caught:
        read_check(check, tmp_path)
    assert caught.value.problems[0].code == "experiment/check"


def test_a_disk_that_is_full(tmp_path: Path, own_home: Path) -> None:  # noqa: F811
    own_home.write_text("no folder")
    with pytest.raises(FlowError, match="cannot be kept"):
        made(tmp_path)
