"""What experiments keep: sets of cases, plans, results; and cases from runs."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from patchbay.flows.document.model import Flow
from patchbay.flows.experiments.case_sets import add_rows, case_file, case_sets, rows_of, save_rows
from patchbay.flows.experiments.cases import read_case_table
from patchbay.flows.experiments.gathering import rows_of_runs
from patchbay.flows.experiments.grid import as_result, as_summary, grid_of, worse_than
from patchbay.flows.experiments.keeping import ExperimentCell, Judged, KeptCells
from patchbay.flows.experiments.plan import (
    ExperimentPlan,
    PlannedAxis,
    experiment_of,
    known_experiments,
    read_plan,
    write_plan,
)
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.history import CELL, History
from patchbay.flows.runs.origins import Origin
from patchbay.flows.runs.thumbs import keep_thumb, thumbs_by_run
from patchbay.nodes.home import home
from tests.flows.experiments.small import ECHO, ran
from tests.flows.experiments.test_judging import checked
from tests.flows.runs.harness import CATALOG, environment


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_sets_of_cases_are_named_and_added_to() -> None:
    save_rows("My cases!", [{"text": "a", "expected": ""}, {"text": "b", "expected": "b"}])
    assert [one.name for one in case_sets()] == ["My-cases"]
    assert add_rows("My cases!", [{"text": "a", "expected": "A"}, {"text": "c"}]) == 1
    assert rows_of("My-cases") == [
        {"text": "a", "expected": "A"}, {"text": "b", "expected": "b"}, {"text": "c"},
    ]  # fmt: skip
    # A run that nobody has liked does not undo what somebody has said is right.
    later = {"text": "b", "expected": "", "from": "run 7", "rating": -1}
    assert add_rows("My cases!", [later]) == 0
    assert rows_of("My-cases")[1] == {**later, "expected": "b"}
    found = read_case_table(case_file("My cases!"), ["text"]).cases
    assert [case.expected for case in found] == ["A", "b", None]
    with pytest.raises(FlowError, match="has no name"):
        save_rows("…", [])
    with pytest.raises(FlowError, match="No cases were given"):
        case_file("")


def test_a_plan_is_kept_and_found_again(tmp_path: Path) -> None:
    save_rows("words", [{"text": "one", "expected": "one"}])
    plan = ExperimentPlan(
        flow="echo.json", cases="words", checks=["exact", "contains"],
        axes=[PlannedAxis(node="say", param="template", values=["{text}", "{text}!"])],
    )  # fmt: skip
    kept = KeptCells("echo")
    assert read_plan(kept) is None
    write_plan(kept, plan)
    assert read_plan(KeptCells("echo")) == plan
    experiment = experiment_of(plan, ECHO, tmp_path, CATALOG, kept)
    ran(experiment)
    summary = as_summary(experiment, grid_of(experiment))
    assert [row["interval"]["mean"] for row in summary["rows"]] == [1, 0, 1, 1]
    assert json.loads(json.dumps(summary)) == summary
    (known,) = known_experiments()
    assert (known.name, known.plan) == ("echo", plan)
    with pytest.raises(FlowError, match='no output "other"'):
        experiment_of(plan.model_copy(update={"output": "other"}), ECHO, tmp_path, CATALOG, kept)


def test_results_are_kept_with_their_scores_beside_them(tmp_path: Path) -> None:
    experiment = checked(tmp_path, "exact")
    ran(experiment)
    grid = grid_of(experiment)
    path = experiment.kept.keep(as_result(grid, experiment.cases))
    assert "scores" not in json.loads(path.read_text())["variants"][0]
    last = experiment.kept.last()
    assert last is not None
    assert last["variants"][0]["scores"]
    assert worse_than(grid, experiment.cases, last) == []


def test_a_hundred_thousand_cells_are_opened_a_page_at_a_time(tmp_path: Path) -> None:
    kept = KeptCells("large")
    cells = [ExperimentCell(f"v{n % 10}", f"c{n // 10}", str(n)) for n in range(100_000)]
    kept.add(*cells)
    kept.put_cases((n + 1, f"c{n}", {"text": f"case {n}"}, n) for n in range(10_000))
    assert kept.count() == 100_000
    (case,) = kept.page(["v3", "v7", "none"], 9_001, 1)
    assert (case.number, case.inputs, case.expected) == (9_001, {"text": "case 9000"}, 9_000)
    assert [cell and cell.output for cell in case.cells] == ["90003", "90007", None]
    # The keys of a page are looked up, the rest is not read.
    plan = kept._do(lambda db: db.execute(
        "EXPLAIN QUERY PLAN SELECT * FROM cells WHERE variant = ? AND place = ?", ("a", "b")
    ).fetchall())  # fmt: skip
    assert all("SEARCH" in row[3] for row in plan)
    judged = replace(cells[0], judged={"k": Judged(0.5, "so so")})
    kept.add(judged)
    assert kept.cells(["v0"])["v0", "c0"] == judged


def test_a_damaged_file_is_said(tmp_path: Path) -> None:
    kept = KeptCells("broken")
    (kept.folder / "cells.sqlite").write_bytes(b"no database at all, and long enough" * 40)
    with pytest.raises(FlowError, match="cannot be kept"):
        kept.cells()


def recorded(
    document: Flow, history: History, text: str, run_id: str | None = None, file: Path | None = None
) -> str:
    from patchbay.flows.runs.running import new_run_id

    name = run_id or new_run_id()
    env = environment()
    sink = history.recorder(name, document, origin=Origin(file))
    env = replace(env, sinks=(*env.sinks, sink))
    from patchbay.flows.runs.results import ended
    from patchbay.flows.runs.running import Run

    asyncio.run(ended(Run(document, {"text": text}, env, run_id=name), None, None))
    history.settle()
    return name


def test_cases_come_from_runs_thumbs_and_comments(tmp_path: Path) -> None:
    history = History()
    good, bad = recorded(ECHO, history, "one"), recorded(ECHO, history, "two")
    recorded(ECHO.model_copy(update={"name": "Another"}), history, "three")
    recorded(ECHO, history, "of an experiment", f"20260101-000000-abc{CELL}")
    keep_thumb(good, "ada", 1)
    keep_thumb(bad, "ada", -1, "not two")
    rows = rows_of_runs(history, "Echo", ["text"], "answer")
    assert {row["text"]: row["expected"] for row in rows} == {"one": "one", "two": ""}
    assert {row["text"]: row["comment"] for row in rows} == {"one": "", "two": "not two"}
    every = rows_of_runs(history, "Echo", ["text"], "answer", "always")
    assert {row["expected"] for row in every} == {"one", "two"}
    assert thumbs_by_run()[good]["rating"] == 1
    keep_thumb(good, "ada", 0)  # taken back
    assert good not in thumbs_by_run(), "the file is read again when it has grown"
    with next(home().glob("*feedback.jsonl")).open("a") as file:
        file.write('{"run": "cut of')
    keep_thumb("another", "ada", 1)  # behind the line that was cut off, not on it
    assert thumbs_by_run().keys() == {bad, "another"}
    rated = rows_of_runs(history, "Echo", ["text"], "answer", rated=True)
    assert [row["text"] for row in rated] == ["two"]
    # Of two flows of one name, a run that knows its file is of that one; and only those that a
    # person may look at are asked.
    file = tmp_path / "echo.json"
    other = recorded(ECHO, history, "five", file=tmp_path / "other.json")
    mine = recorded(ECHO, history, "six", file=file)
    of_file = rows_of_runs(history, "Echo", ["text"], "answer", "always", file=file)
    assert {row["text"] for row in of_file} == {"one", "two", "six"}
    seen = rows_of_runs(history, "Echo", ["text"], "answer", "always", file=file,
                        among=lambda run: run == mine)  # fmt: skip
    assert [row["text"] for row in seen] == ["six"]
    history.delete(other, mine)
    assert [past.id for past in history.runs()].count(f"20260101-000000-abc{CELL}") == 0
    assert history.get(f"20260101-000000-abc{CELL}").status == "finished"
    history.close()
