"""A run that waits for people hears answers until it sleeps, and not a moment longer."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import NodeAnswered, RunWaiting, Tokens
from patchbay.flows.runs.resources import Pool
from patchbay.flows.runs.rest import Rest
from tests.flows.runs.harness import CATALOG

EVENT = RunWaiting(at=0.0, run="r", seconds=0.0, tokens=Tokens(), questions=("q",))
ANSWER = NodeAnswered(at=0.0, node="n", question="q", author="the deadline", answer={})


class OneAnswer:
    """A desk with an answer that may come while the run falls asleep."""

    def __init__(self, sleeps: bool) -> None:
        self.listeners: set[Any] = set()
        self.looked = 0
        self._sleeps = sleeps

    def refresh(self) -> list[NodeAnswered]:
        self.looked += 1
        return [ANSWER]

    def stored(self) -> dict[str, Any]:
        return {}

    def sleep(self, _event: RunWaiting) -> bool:
        time.sleep(0.02)
        return self._sleeps


async def test_who_falls_asleep_hears_nothing_that_others_have_to_wake_it_by() -> None:
    for sleeps in (True, False):
        desk: Any = OneAnswer(sleeps)
        told: list[Any] = []
        rest = Rest("r", replace(Environment(CATALOG, Pool()), desk=desk), told.append)
        falling = asyncio.ensure_future(rest.sleeps(EVENT))
        await asyncio.sleep(0)
        assert await rest.hear() is not sleeps
        assert await falling is sleeps
        assert (desk.looked, told) == ((0, []) if sleeps else (1, [ANSWER]))
