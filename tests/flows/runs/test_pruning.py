"""Old runs go and give their room back; what is at work or waits stays."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from patchbay.flows.problems import FlowError
from patchbay.flows.runs.history import History
from patchbay.flows.runs.pruning import age_in_seconds, prune, sizes
from patchbay.flows.runs.running import Run
from tests.flows.runs.harness import OUT, environment, flow
from tests.stores import url_of

SMALL = flow({"a": ("test.text", {"text": "x" * 50_000}), "o": OUT}, ["a.text > o.value"])


async def recorded(history: History, age_s: float = 0, **changes: str) -> str:
    run = Run(SMALL, {}, environment())
    run.add_sink(history.recorder(run.id, SMALL))
    assert [e.type async for e in run.events()][-1] == "run_finished"
    runs = history.table("runs")
    values = {"started_at": time.time() - age_s, **changes}
    history._store.do(
        lambda db: db.execute(runs.update().where(runs.c.id == run.id).values(**values)), write=True
    )
    return run.id


async def test_old_runs_go_and_give_their_room_back(tmp_path: Path) -> None:
    history = History(url_of(tmp_path / "history.sqlite"))
    old = [await recorded(history, age_s=40 * 86_400) for _ in range(20)]
    new = await recorded(history)
    waiting = await recorded(history, age_s=40 * 86_400, status="waiting")
    before = history.size
    assert sizes(history, old)[old[0]] > 100_000
    would = prune(history, time.time() - age_in_seconds("30d"), dry=True)
    assert ({p.id for p in would.runs}, would.kept) == (set(old), 1)
    assert len(history.runs()) == 22
    did = prune(history, time.time() - age_in_seconds("30d"))
    assert (did.runs, did.size, did.kept) == (would.runs, would.size, 1)
    assert {p.id for p in history.runs()} == {new, waiting}
    if before is not None:  # a file
        assert (history.size or before) < before / 4
    assert history.steps(old[0]) == []
    history.close()


@pytest.mark.parametrize(
    ("text", "seconds"), [("90m", 5400), ("12h", 43_200), (" 30d ", 2_592_000), ("1.5w", 907_200)]
)
def test_an_age(text: str, seconds: float) -> None:
    assert age_in_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "d", "-3d", "30 days", "1e9d", "٣d\n1", "nan"])
def test_what_is_no_age(text: str) -> None:
    with pytest.raises(FlowError, match="is not an age"):
        age_in_seconds(text)
