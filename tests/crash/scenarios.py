"""Runs of flows that are killed and go on, and what a kill must not do to them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from patchbay.flows.document.writing import save_flow
from patchbay.flows.runs.answers import gone_on_with, recorded
from patchbay.flows.runs.events import RunFailed, RunFinished, RunWaiting
from patchbay.flows.runs.history import History
from patchbay.flows.runs.resume import resumed_run
from patchbay.flows.runs.running import LoadedFlow, Run, new_run_id
from tests.crash.faults import Fault, Faulty, FaultyDesk, Killed, Ledger, bury
from tests.crash.flows import FLOWS, GIVEN, ITEMS
from tests.crash.parts import PARTS
from tests.crash.person import Person
from tests.flows.runs import harness

CATALOG = harness.CATALOG.extended(PARTS)

MOST_KILLS = 3
"""So often one run is killed."""

WAITS: Mapping[str, Any] = {}
"""What a run gives that sleeps until somebody answers."""


@dataclass
class Scenarios:
    """Runs flows and kills them. `made` counts scenarios by flow, `kills` all kills."""

    history: History
    folder: Path
    made: dict[str, int] = field(default_factory=dict)
    expected: dict[str, Any] = field(default_factory=dict)
    moments: dict[str, int] = field(default_factory=dict)
    kills: int = 0
    answers: int = 0

    @classmethod
    def over(cls, history: History, folder: Path) -> Scenarios:
        """Nothing has been killed yet."""
        for made in ITEMS:
            save_flow(made(), folder / f"{made.__name__}.json")
        return cls(history, folder)

    def environment(self) -> Any:
        """A process of its own: nothing is open, nothing cached."""
        return replace(harness.environment(), catalog=CATALOG, folder=self.folder)

    async def learn(self, name: str) -> None:
        """Run a flow without a kill: what it gives, and in how many moments it can die."""
        Ledger.clear()
        run = self.new(name, new_run_id())
        person = Person(self.history, run.id, None)
        while (outputs := await self._to_the_end(run, person)) is WAITS:
            assert person.answers(), f"{name} sleeps, and nobody can wake it"
            run = gone_on_with(self.history, run.id, self.environment())
        self.expected[name] = outputs
        assert self.expected[name] is not None, f"{name} fails without a kill"
        self.moments[name] = Ledger.fault.count
        assert max(Ledger.done.values()) == 1
        self.history.delete(run.id)

    async def one(self, name: str, chance: random.Random) -> None:
        """One scenario: a run is killed at a moment, goes on, and may be killed again. People
        answer before, while and after."""
        if name not in self.expected:
            await self.learn(name)
        Ledger.clear()
        run_id, kills = new_run_id(), 0
        person = Person(self.history, run_id, chance)
        run: Run | None = None
        Ledger.fault = self._fault(name, kills, chance)
        while True:
            try:
                run = run or self._goes_on(name, run_id, person)
                outputs = await self._to_the_end(run, person)
            except Killed:  # between two lives, while answering
                outputs = None
            run = None
            if Ledger.fault.dead:
                kills += 1
                person.claimed = False
                bury(self.history, run_id, losing=chance.random() < 0.5)
                Ledger.fault = self._fault(name, kills, chance)
            elif outputs is not WAITS:
                assert not person.claimed, "two processes had the run"
                break
        self._judge(name, outputs, kills)
        person.judge()
        self.answers += len(self.history.inbox.answers_of(run_id))
        self.history.delete(run_id)
        self.made[name] = self.made.get(name, 0) + 1
        self.kills += kills

    def _fault(self, name: str, kills: int, chance: random.Random) -> Fault:
        """When the process dies next; the first always does, unless it ends before."""
        at = chance.randint(1, self.moments[name])
        again = kills == 0 or (kills < MOST_KILLS and chance.random() < 0.5)
        return Fault(at if again else 0)

    def new(self, name: str, run_id: str) -> Run:
        """A run that begins, recorded, with somebody to ask."""
        document = FLOWS[name]()
        env = recorded(self.environment(), self.history, run_id, document, self.folder)
        loaded = LoadedFlow(document, self.folder)
        return Run(loaded, GIVEN.get(name, {}), env, run_id=run_id)

    def _goes_on(self, name: str, run_id: str, person: Person) -> Run:
        """The run as a process has it that begins it, resumes it, or has answered."""
        if not self._known(run_id):  # it died before its first record
            return self.new(name, run_id)
        past = self.history.get(run_id)
        if person.claimed:
            person.claimed = False
            return gone_on_with(self.history, run_id, self.environment())
        share = 0.85 if past.status == "waiting" else 0.4
        if person.happens(share) and person.answers():
            return gone_on_with(self.history, run_id, self.environment())
        return resumed_run(self.history, self.history.get(run_id), self.environment())

    def _judge(self, name: str, outputs: Any, kills: int) -> None:
        assert outputs == self.expected[name], (name, outputs)
        assert Ledger.wrong == [], (name, Ledger.wrong)
        often = {key: times for key, times in Ledger.done.items() if times > 1 + kills}
        assert not often, (name, often)
        assert "" not in Ledger.done, "an effect without a key"

    def _known(self, run_id: str) -> bool:
        return any(past.id == run_id for past in self.history.runs(3))

    async def _to_the_end(self, run: Run, person: Person) -> Any:
        journal, desk = run.environment.journal, run.environment.desk
        assert journal is not None
        assert desk is not None
        journal.log = Faulty(journal.log)  # type: ignore[arg-type]
        run.environment = replace(run.environment, desk=FaultyDesk(desk))
        async for event in run.events():
            if Ledger.fault.dead:
                run.cancel()
            elif isinstance(event, RunFinished):
                return event.outputs
            elif isinstance(event, RunWaiting):
                return WAITS
            elif isinstance(event, RunFailed):
                raise AssertionError(event.problem)
            elif person.happens(0.1):
                self._answered_at_work(run, person)
        return None

    def _answered_at_work(self, run: Run, person: Person) -> None:
        """Somebody answers while the run works, and its process may die at that."""
        try:
            # It may have fallen asleep, and only not said so yet: then it is theirs who answer.
            person.claimed = bool(person.answers()) or person.claimed
        except Killed:
            run.cancel()
        if person.happens(0.5):
            run.nudge()
