"""Flows over tables in the studio's background: begun, stopped, resumed, refused, looked at."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.batch import slurm_batch
from patchbay.flows.document.model import Flow
from patchbay.flows.document.writing import canonical_text, save_flow
from patchbay.flows.problems import FlowError
from patchbay.nodes.contract import InputField
from patchbay.studio.panels.table_form import guess
from patchbay.studio.panels.table_rows import as_csv, command
from patchbay.studio.runs.table_run import TableOrder, TableRun
from patchbay.studio.runs.table_runs import TableRuns
from tests.flows.batch.kit import lines_of, picky, shouting
from tests.flows.batch.test_budget import Costly
from tests.flows.runs.harness import CATALOG, environment, flow
from tests.flows.runs.nodes import Gate

OWNER = "ada"


@pytest.fixture
def runs(tmp_path: Path) -> TableRuns:
    return TableRuns(tmp_path / "tables", lambda folder: environment(folder=folder))


def asked(tmp_path: Path, document: Flow, **more: Any) -> TableOrder:
    path = tmp_path / "flow.json"
    save_flow(document, path)
    given: dict[str, Any] = {"columns": {"review": "text"}, "owner": OWNER, **more}
    return TableOrder(document.name, canonical_text(document), str(path), "rows.csv", **given)


def csv_of(count: int, word: Callable[[int], str] = lambda n: f"r{n}") -> bytes:
    return ("id,text\n" + "".join(f"{n},{word(n)}\n" for n in range(count))).encode()


def until_ended(run: TableRun) -> None:
    until(lambda: not run.active)


def until(true: Callable[[], Any]) -> None:
    end = time.monotonic() + 240
    while not true():
        assert time.monotonic() < end, "it does not come to that"
        time.sleep(0.01)


def test_rows_of_a_dropped_table(runs: TableRuns, tmp_path: Path) -> None:
    table = runs.take("reviews.csv", csv_of(20))
    assert runs.take("again.csv", csv_of(20)) == table
    run = runs.begin(asked(tmp_path, shouting()), table)
    until_ended(run)
    assert run.problem is None, run.problem
    assert run.state == "finished"
    seen = run.look(5)
    assert (seen.rows, seen.failed, seen.ended) == (20, 0, True)
    assert [number for number, _ in seen.given] == [0, 1, 2, 3, 4]
    assert seen.given[2][1] == {"id": "2", "text": "r2", "label": "R2"}
    assert as_csv(run.output).decode().splitlines()[:2] == ["id,text,label", "0,r0,R0"]
    assert [found.id for found in runs.of(OWNER)] == [run.id]
    assert runs.of("bob") == []
    runs.delete(run.id)
    assert runs.of(OWNER) == []
    assert not run.folder.exists()


def test_rows_that_fail_stand_first_and_the_others_keep_their_numbers(
    runs: TableRuns, tmp_path: Path
) -> None:
    table = runs.take("t.csv", csv_of(9, lambda n: "good" if n % 3 else "ugly"))
    run = runs.begin(asked(tmp_path, picky()), table)
    until_ended(run)
    seen = run.look(10)
    assert [one["row"] for one in seen.failures] == [0, 3, 6]
    assert [number for number, _ in seen.given] == [1, 2, 4, 5, 7, 8]
    assert run.look(2).given[0][0] is None  # which rows failed is not all known
    assert run.state == "finished"


def test_stopped_and_resumed_also_by_the_next_studio(runs: TableRuns, tmp_path: Path) -> None:
    table = runs.take("t.csv", csv_of(60))
    Gate.shut()
    run = runs.begin(asked(tmp_path, shouting("test.gate", free=20), slots=1), table)
    until(lambda: run.look().rows and run.words)  # it is in the file before it is counted
    assert run.state == "running"
    assert "rows" in run.words
    runs.delete(run.id)  # not while it is at work
    runs.stop(run.id)
    until_ended(run)
    assert (run.state, run.problem) == ("stopped", None)
    before = run.look(3)
    assert 0 < before.rows < 60
    assert [number for number, _ in before.given] == [before.rows - 3 + n for n in range(3)][
        -len(before.given) :
    ]
    later = TableRuns(tmp_path / "tables", lambda folder: environment(folder=folder))
    found = later.get(run.id)
    assert found is not None
    assert found.state == "stopped"
    Gate.opened.set()
    save_flow(picky(), tmp_path / "flow.json")  # it goes on with the flow of then
    later.resume(run.id)
    again = later.get(run.id)
    assert again is not None
    until_ended(again)
    assert [row["label"] for row in lines_of(run.output)] == [f"R{n}" for n in range(60)]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no Slurm")
def test_on_slurm_the_flow_is_the_one_that_it_was_begun_with(
    runs: TableRuns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("sbatch", "squeue", "scancel"):
        (tmp_path / name).write_text("#!/bin/sh\ntest $(basename $0) = squeue || echo 7\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(slurm_batch, "comes", lambda path: False)
    order = asked(tmp_path, shouting(), where="slurm")
    save_flow(picky(), Path(order.path))
    run = runs.begin(order, runs.take("reviews.csv", csv_of(2)))
    until_ended(run)
    assert run.problem is not None
    assert run.problem.code == "slurm/failed"
    (sent,) = run.folder.rglob("sent.json")
    assert json.loads(sent.read_text(encoding="utf-8"))["flows"] == {order.path: order.flow}


def test_a_budget_ends_it_and_says_so(tmp_path: Path) -> None:
    env = environment(catalog=CATALOG.extended([Costly]))
    costly = flow(
        {"i": ("io.input", {"name": "review"}), "c": "test.costly", "o": "io.output"},
        ["i.value > c.text", "c.text > o.value"],
    )
    runs = TableRuns(tmp_path / "tables", lambda _: env)
    run = runs.begin(asked(tmp_path, costly, max_tokens=1, slots=1), runs.take("t.csv", csv_of(9)))
    until_ended(run)
    assert run.state == "failed"
    assert run.problem is not None
    assert run.problem.code == "batch/budget"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"columns": {"review": "txet"}}, "batch/no-column"),
        ({"columns": {}}, "batch/unmapped"),
        ({"columns": {"revue": "text", "review": "text"}}, "batch/no-input"),
        ({"where": "the-lab"}, "batch/place"),
        ({"keep": ("id", "none")}, "batch/no-column"),
    ],
)
def test_what_does_not_fit_is_said_and_nothing_is_begun(
    runs: TableRuns, tmp_path: Path, change: dict[str, Any], code: str
) -> None:
    order = replace(asked(tmp_path, shouting()), **change)
    with pytest.raises(FlowError) as refused:
        runs.begin(order, runs.take("t.csv", csv_of(3)))
    assert [problem.code for problem in refused.value.problems] == [code]
    assert runs.of(OWNER) == []
    assert sorted(path.name for path in (tmp_path / "tables").iterdir()) == ["dropped"]


def test_ids_name_nothing_outside(runs: TableRuns, tmp_path: Path) -> None:
    (tmp_path / "order.json").write_text("{}")
    for name in ("..", "../..", "", "dropped", "20260101-000000-000000"):
        assert runs.get(name) is None


def test_columns_are_guessed_by_name() -> None:
    def field(name: str, required: bool = True) -> InputField:
        return InputField(name, "text", required)

    assert guess([field("review")], ("id", "Review")) == {"review": "Review"}
    assert guess([field("reviews")], ("id", "review", "note")) == {"reviews": "review"}
    assert guess([field("question")], ("text",)) == {"question": "text"}
    assert guess([field("question")], ("id", "text")) == {}
    assert guess([field("a"), field("b")], ("b", "x")) == {"b": "b", "a": "x"}
    assert guess([field("tone", required=False)], ("text",)) == {}


def test_the_command_that_does_the_same(runs: TableRuns, tmp_path: Path) -> None:
    order = asked(tmp_path, shouting(), keep=("id",), shared={"tone": "a b"}, max_tokens=5)
    run = TableRun("x", tmp_path, replace(order, where="lab"))
    words = command(run)
    assert words.startswith("patchbay batch ")
    for part in ("--map review=text", "--keep id", "'tone=a b'", "--max-tokens 5", "--on lab"):
        assert part in words
    assert json.dumps(words)
