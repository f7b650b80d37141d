"""Shared by the tests of agents: flows in two lines, run by the real engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import Event, NodeStepped, NodeWarned, RunFailed, RunFinished
from tests.flows.runs import harness
from tests.nodes.agents.scripted import Scripted
from tests.nodes.agents.tools import Odd

CATALOG = harness.CATALOG.extended([Scripted, Odd])


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of its own for each test."""
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def environment(**changes: Any) -> Environment:
    return harness.environment(**{"catalog": CATALOG, **changes})


async def events(
    nodes: Mapping[str, Any], wires: Iterable[str], folder: Path | None = None, **given: Any
) -> list[Event]:
    """All events of one run."""
    flow = harness.flow(nodes, wires)
    return await harness.events_of(flow, given, environment(), folder=folder)


def steps(happened: Iterable[Event]) -> list[tuple[str, str, str]]:
    """Who did what, and the words."""
    return [(e.who, e.what, e.text) for e in happened if isinstance(e, NodeStepped)]


def warnings(happened: Iterable[Event]) -> list[str]:
    return [e.message for e in happened if isinstance(e, NodeWarned)]


def outputs(happened: list[Event]) -> dict[str, Any]:
    """The outputs of a run that went well."""
    end = happened[-1]
    assert isinstance(end, RunFinished), end
    return end.outputs


def problem(happened: list[Event]) -> Any:
    """Why a run failed."""
    end = happened[-1]
    assert isinstance(end, RunFailed), end
    return end.problem
