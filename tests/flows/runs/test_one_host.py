"""One machine at a time writes a history."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from patchbay.flows.problems import FlowError
from patchbay.flows.runs import one_host
from patchbay.flows.runs.events import RunFinished, RunWarned
from patchbay.flows.runs.history import History
from patchbay.flows.runs.one_host import Stamp
from patchbay.flows.runs.running import Run
from tests.flows.runs.harness import OUT, environment, flow

SMALL = flow({"a": "test.text", "o": OUT}, ["a.text > o.value"])


def test_another_machine_is_refused_while_one_writes(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite"
    here, same, there = Stamp(file, "one"), Stamp(file, "one"), Stamp(file, "two")
    here.make()
    same.make()
    with pytest.raises(FlowError, match="No SQLite file is written by two machines") as refused:
        there.make()
    assert refused.value.problems[0].code == "history/other-host"
    here.take_away()
    there.make()
    with pytest.raises(FlowError):
        Stamp(file, "one").make()


def test_a_stamp_counts_for_three_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "history.sqlite"
    Stamp(file, "one").make()
    now = one_host.time.time()
    monkeypatch.setattr(one_host.time, "time", lambda: now + one_host.COUNTS_S + 1)
    Stamp(file, "two").make()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"at": "x"}', '{"at": null}', "\x00"])
def test_a_stamp_of_nonsense_is_none(text: str, tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite"
    Path(f"{file}.host").write_text(text)
    Stamp(file).make()
    assert json.loads(Path(f"{file}.host").read_text())["at"] > 0


async def test_a_run_goes_on_unrecorded_and_says_why(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite"
    history = History(f"sqlite:///{file}")
    Stamp(file, "elsewhere").make()
    run = Run(SMALL, {}, environment())
    run.add_sink(history.recorder(run.id, SMALL))
    events = [event async for event in run.events()]
    assert isinstance(events[-1], RunFinished)
    (told,) = (event.message for event in events if isinstance(event, RunWarned))
    assert "two machines" in told
    assert history.runs() == []
    history.close()
