"""A short version of `make test-crash`: runs that die at any moment end right, and do nothing
twice."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from patchbay.flows.runs.history import History
from tests.crash.scenarios import FLOWS, Scenarios

TIMES = {"steps": 12, "asks": 8, "samples": 6, "agent": 6, "loop": 8, "crew": 1}


@pytest.fixture
def scenarios(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scenarios]:
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    history = History(f"sqlite:///{tmp_path / 'history.sqlite'}")
    yield Scenarios.over(history, tmp_path)
    history.close()


@pytest.mark.filterwarnings("ignore::DeprecationWarning:crewai")
@pytest.mark.parametrize("name", FLOWS)
async def test_a_run_that_dies_ends_right_and_does_nothing_twice(
    name: str, scenarios: Scenarios
) -> None:
    chance = random.Random(name)
    for _ in range(TIMES[name]):
        await scenarios.one(name, chance)
    assert scenarios.kills > 0
