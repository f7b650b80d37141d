"""The flows that are killed, each with what it shows, and what a kill must not do to them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from patchbay.flows.document.model import Flow
from patchbay.flows.document.writing import save_flow
from patchbay.flows.runs.events import RunFinished
from patchbay.flows.runs.history import History
from patchbay.flows.runs.resume import resumed_run
from patchbay.flows.runs.running import LoadedFlow, Run
from tests.crash.faults import Fault, Faulty, Ledger, bury
from tests.crash.parts import PARTS
from tests.flows.runs import harness
from tests.flows.runs.harness import OUT, flow

CATALOG = harness.CATALOG.extended(PARTS)

CALLS = [
    json.dumps([["send", "a"], ["post", "bc"], ["send", "def"]]),
    json.dumps([["post", "last"]]),
    "All is done: {}.",
]


def steps() -> Flow:
    """Nodes that make steps of their own, one after the other and side by side."""
    return flow(
        {
            "one": ("test.steps", {"wait": [3, 0, 2, 1]}),
            "two": ("test.steps", {"first": 1, "beside": 3, "wait": [0, 2]}),
            "o": OUT,
        },
        ["one.value > two.value", "two.value > o.value"],
    )


def asks() -> Flow:
    """Two models, one after the other."""
    return flow(
        {
            "m": "test.counted_model",
            "t": "test.text",
            "one": "model.ask",
            "two": "model.ask",
            "o": OUT,
        },
        [
            "m.model > one.model", "m.model > two.model", "t.text > one.prompt",
            "one.text > two.prompt", "two.text > o.value",
        ],
    )  # fmt: skip


def samples() -> Flow:
    """A technique: five samples of one prompt, and a vote."""
    return flow(
        {
            "m": "test.counted_model",
            "t": "test.text",
            "vote": ("technique.self_consistency", {"seed": 7}),
            "o": OUT,
        },
        ["m.model > vote.model", "t.text > vote.prompt", "vote.answer > o.value"],
    )


def agent() -> Flow:
    """LangChain's agent: three calls in one turn, one in the next, and an answer."""
    return flow(
        {
            "m": ("test.counted_model", {"lines": CALLS}),
            "send": "test.counted_tool",
            "post": ("test.counted_tool", {"name": "post"}),
            "t": "test.text",
            "a": "agent.react",
            "o": OUT,
        },
        [
            "m.model > a.model", "send.tool > a.tools", "post.tool > a.tools",
            "t.text > a.prompt", "a.text > o.value",
        ],
    )  # fmt: skip


def crew() -> Flow:
    """CrewAI: one role that calls tools, one that writes."""
    return flow(
        {
            "m": ("test.counted_model", {"lines": CALLS}),
            "w": "test.counted_model",
            "send": "test.counted_tool",
            "post": ("test.counted_tool", {"name": "post"}),
            "analyst": ("agent.role", {"role": "Analyst"}),
            "author": ("agent.role", {"role": "Author"}),
            "work": ("agent.task", {"description": "Send it.", "expected": "A word."}),
            "report": ("agent.task", {"description": "Write it down."}),
            "crew": "agent.crew",
            "o": OUT,
        },
        [
            "m.model > analyst.model", "w.model > author.model", "send.tool > analyst.tools",
            "post.tool > analyst.tools", "analyst.agent > work.agent",
            "author.agent > report.agent", "work.task > report.context", "work.task > crew.tasks",
            "report.task > crew.tasks", "crew.text > o.value",
        ],
    )  # fmt: skip


def loop() -> Flow:
    """For each of six items a flow that asks a model and makes steps, three at a time."""
    return flow(
        {
            "list": ("io.input", {"name": "items", "kind": "json"}),
            "each": ("logic.for_each", {"flow": "item", "concurrency": 3}),
            "o": OUT,
        },
        ["list.value > each.items", "each.results > o.value"],
    )


def item() -> Flow:
    """What is done for each item."""
    return flow(
        {
            "i": ("io.input", {"name": "item", "kind": "json"}),
            "s": ("test.steps", {"first": 1, "beside": 2}),
            "m": "test.counted_model",
            "t": "test.text",
            "ask": "model.ask",
            "r": ("io.output", {"name": "result"}),
        },
        ["i.value > s.value", "m.model > ask.model", "t.text > ask.prompt", "s.value > r.value"],
        name="item",
    )


FLOWS: dict[str, Callable[[], Flow]] = {
    made.__name__: made for made in (steps, asks, samples, agent, loop, crew)
}
GIVEN: dict[str, dict[str, Any]] = {
    "loop": {"items": [1, [2], {"three": None}, True, 1.5, {"six": 6}]}
}


@dataclass
class Scenarios:
    """Runs flows and kills them. `made` counts scenarios by flow, `kills` all kills."""

    history: History
    folder: Path
    made: dict[str, int]
    expected: dict[str, Any]
    moments: dict[str, int]
    kills: int = 0

    @classmethod
    def over(cls, history: History, folder: Path) -> Scenarios:
        """Nothing has been killed yet."""
        save_flow(item(), folder / "item.json")
        return cls(history, folder, {}, {}, {})

    def environment(self) -> Any:
        """A process of its own: nothing is open, nothing cached."""
        return replace(harness.environment(), catalog=CATALOG, folder=self.folder)

    async def learn(self, name: str) -> None:
        """Run a flow without a kill: what it gives, and in how many moments it can die."""
        Ledger.clear()
        document = FLOWS[name]()
        run = Run(LoadedFlow(document, self.folder), GIVEN.get(name, {}), self.environment())
        self.expected[name] = await self._to_the_end(run, document)
        assert self.expected[name] is not None, f"{name} fails without a kill"
        self.moments[name] = Ledger.fault.count
        assert max(Ledger.done.values()) == 1
        self.history.delete(run.id)

    async def one(self, name: str, chance: random.Random) -> None:
        """One scenario: a run is killed at a moment, goes on, and may be killed again."""
        if name not in self.expected:
            await self.learn(name)
        Ledger.clear()
        document = FLOWS[name]()
        run = Run(LoadedFlow(document, self.folder), GIVEN.get(name, {}), self.environment())
        run_id, kills = run.id, 0
        while True:
            at = chance.randint(1, self.moments[name]) if kills < 3 else 0
            Ledger.fault = Fault(at if kills == 0 or chance.random() < 0.5 else 0)
            outputs = await self._to_the_end(run, document)
            if not Ledger.fault.dead:
                break
            kills += 1
            bury(self.history, run_id, losing=chance.random() < 0.5)
            if not self._known(run_id):  # it died before its first record
                run = Run(
                    LoadedFlow(document, self.folder),
                    GIVEN.get(name, {}),
                    self.environment(),
                    run_id=run_id,
                )
                continue
            run = resumed_run(self.history, self.history.get(run_id), self.environment())
        self._judge(name, outputs, kills)
        self.history.delete(run_id)
        self.made[name] = self.made.get(name, 0) + 1
        self.kills += kills

    def _judge(self, name: str, outputs: Any, kills: int) -> None:
        assert outputs == self.expected[name], (name, outputs)
        assert Ledger.wrong == [], (name, Ledger.wrong)
        often = {key: times for key, times in Ledger.done.items() if times > 1 + kills}
        assert not often, (name, often)
        assert "" not in Ledger.done, "an effect without a key"

    def _known(self, run_id: str) -> bool:
        return any(past.id == run_id for past in self.history.runs(3))

    async def _to_the_end(self, run: Run, document: Flow) -> Any:
        if run._env.journal is None:
            run.add_sink(self.history.recorder(run.id, document, self.folder))
        journal = run._env.journal
        assert journal is not None
        journal.log = Faulty(journal.log)  # type: ignore[arg-type]
        async for event in run.events():
            if Ledger.fault.dead:
                run.cancel()
            if isinstance(event, RunFinished):
                return event.outputs
        return None
