"""A short version of `make test-crash`: runs that die at any moment end right, and do nothing
twice."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from patchbay.flows.runs.history import History
from tests.crash.flows import FLOWS
from tests.crash.scenarios import Scenarios
from tests.stores import url_of

TIMES = {
    "steps": 10, "asks": 6, "samples": 4, "agent": 4, "loop": 5, "crew": 1,
    "questions": 8, "asked_loop": 5, "asked_agent": 5, "asked_crew": 1,
}  # fmt: skip


@pytest.fixture
def scenarios(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scenarios]:
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    history = History(url_of(tmp_path / "history.sqlite"))
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
