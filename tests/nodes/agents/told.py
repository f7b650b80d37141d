"""A recorded run of agents, answered by people, with each answer in a run of its own."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from patchbay.flows.document.model import Flow
from patchbay.flows.runs.answers import find, give, gone_on_with, recorded
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import Event, NodeStepped
from patchbay.flows.runs.history import History
from patchbay.flows.runs.resume import resumed_run
from patchbay.flows.runs.running import LoadedFlow, Run, new_run_id
from tests.nodes.agents.conftest import environment


class Told:
    """A recorded run that is answered, on one pool of models: a script goes on where it was."""

    def __init__(self, history: History, flow: Flow) -> None:
        self.history, self.env = history, environment()
        self.id = new_run_id()
        self.run = Run(LoadedFlow(flow), {}, self._recorded(flow), run_id=self.id)
        self.events: list[Event] = []

    def _recorded(self, flow: Flow) -> Environment:
        return recorded(self.env, self.history, self.id, flow)

    async def until_end(self, until: str = "") -> Event:
        """The last event. The run is broken off at a step with these words: what, and the text."""
        self.events = []
        async for event in self.run.events():
            self.events.append(event)
            if until and isinstance(event, NodeStepped) and f"{event.what} {event.text}" == until:
                self.run.cancel()
        return self.events[-1]

    async def answer(
        self, value: Any, question: str | None = None, comment: str = "", until: str = ""
    ) -> Event:
        asked = find(self.history, self.id, question)
        assert give(self.history, asked, value, author="ada", comment=comment)
        self.run = gone_on_with(self.history, self.id, replace(self.env))
        return await self.until_end(until)

    def go_on(self) -> None:
        """Have what waits go on: it may be too late for an answer."""
        self.history.inbox.take_due(time.time(), self.id)
        self.run = resumed_run(self.history, self.history.get(self.id), replace(self.env))

    def steps(self) -> list[tuple[str, str]]:
        return [(e.what, e.text) for e in self.events if isinstance(e, NodeStepped)]
