"""Experiments in the background: followed, stopped, gone on with, refused."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.document.model import Flow
from patchbay.flows.experiments.keeping import KeptCells
from patchbay.flows.experiments.plan import SUMMARY, known_experiments
from patchbay.flows.runs.history import CELL, History
from patchbay.studio.runs.experiments import (
    LiveExperiment,
    LiveExperiments,
    experiment_for,
    may_see,
)
from patchbay.studio.runs.runner import Runner
from tests.flows.experiments.small import AXIS, ECHO, made
from tests.flows.runs.harness import environment, flow

TABLE = "text,expected\n" + "".join(f"w{n},w{n}\n" for n in range(40))


@pytest.fixture
def places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[LiveExperiments, History]]:
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    history = History()
    runner = Runner(history=lambda: history, environment=lambda folder: environment(folder=folder))
    yield LiveExperiments(runner, lambda: history), history
    history.close()


def until(test: Callable[[], Any]) -> None:
    """Wait for a state, four minutes at most."""
    end = time.monotonic() + 240
    while not test():
        assert time.monotonic() < end
        time.sleep(0.05)


def ended(live: LiveExperiment) -> None:
    until(lambda: live.state != "running")


def slow(document: Flow = ECHO) -> Flow:
    """The flow with a node that takes its time."""
    return flow(
        {
            "ask": ("io.input", {"name": "text"}),
            "wait": ("test.upper", {"wait_s": 0.2}),
            "say": ("prompt.template", {"template": "{text}"}),
            "out": ("io.output", {"name": "answer"}),
        },
        ["ask.value > wait.text", "wait.text > say.text", "say.text > out.value"],
        name=document.name,
    )


def test_it_is_followed_to_its_end(places: tuple[LiveExperiments, History], tmp_path: Path) -> None:
    experiments, history = places
    live = experiments.start(made(tmp_path, AXIS, table=TABLE))
    ended(live)
    assert (live.state, live.why) == ("finished", "")
    assert (live.done, live.experiment.total) == (120, 120)
    summary = live.summary()
    assert [row["interval"]["mean"] for row in summary["rows"]] == []  # no check was given
    assert KeptCells("echo").read(SUMMARY) == summary
    assert len(KeptCells("echo").results()) == 1
    # The run of every cell is there to be looked at, and none is listed among the others.
    history.settle()
    (case, *_) = KeptCells("echo").page([live.experiment.variants[0].key], 1, 1)
    cell = case.cells[0]
    assert cell is not None
    assert cell.run.endswith(CELL)
    assert history.get(cell.run).inputs == {"text": "w0"}
    assert history.runs() == []


def test_it_is_stopped_and_gone_on_with(
    places: tuple[LiveExperiments, History], tmp_path: Path
) -> None:
    experiments, _ = places
    first = made(tmp_path, AXIS, table=TABLE, document=slow())
    first.side_by_side = 2
    live = experiments.start(first)
    assert experiments.start(made(tmp_path, AXIS, table=TABLE, document=slow())) is live
    until(lambda: live.done >= 3)
    assert live.summary()["variants"]
    experiments.stop("echo")
    ended(live)
    assert live.state == "stopped"
    kept = KeptCells("echo").count()
    assert 3 <= kept < 120
    again = experiments.start(made(tmp_path, AXIS, table=TABLE, document=slow()))
    assert again is not live
    ended(again)
    assert again.state == "finished"
    assert again.experiment.total == 120 - kept
    assert KeptCells("echo").count() == 120


def test_a_disk_that_refuses_ends_it_in_words(
    places: tuple[LiveExperiments, History], tmp_path: Path
) -> None:
    experiments, _ = places
    experiment = made(tmp_path, AXIS, table=TABLE)
    (experiment.kept.folder / "cells.sqlite").write_bytes(b"no database, and long enough " * 40)
    live = experiments.start(experiment)
    ended(live)
    assert live.state == "failed"
    assert "cannot be kept" in live.why


def test_who_begins_an_experiment_has_it_until_it_is_shared(
    places: tuple[LiveExperiments, History],
) -> None:
    mine = experiment_for("words", "ann")
    assert (mine.name, mine.owner) == ("words", ""), "nobody has begun it"
    mine.give_to("ann")
    assert experiment_for("words", "ann").name == "words"
    other = experiment_for("words", "bob")
    assert other.name not in ("words", "")
    assert experiment_for("words", "bob").name == other.name
    other.give_to("bob")
    assert {one.name: KeptCells(one.name).owner for one in known_experiments()} == {}
    mine.give_to("")
    assert experiment_for("words", "bob").name == "words"
    (mine.folder / "owner.json").write_text("[1]")
    assert mine.owner == ""


def test_the_runs_of_cells_are_seen_by_who_sees_the_experiment(
    places: tuple[LiveExperiments, History], tmp_path: Path
) -> None:
    live, history = places
    experiment = made(tmp_path, AXIS)
    experiment.kept.give_to("ann")
    ended(live.start(experiment))
    runs = [cell.run for cell in experiment.cells.values()]
    assert all(run.endswith(CELL) for run in runs)
    assert [may_see(runs[0], history, who) for who in ("ann", "bob")] == [True, False]
    experiment.kept.give_to("")
    assert may_see(runs[-1], history, "bob")
    assert may_see(f"older{CELL}", history, "bob"), "of before this was kept"
