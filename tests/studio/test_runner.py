"""Runs in the background: told to their owner alone, stopped at once, found again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.environment import Environment
from flows.history import History
from flows.model import Edge, Flow, NodeInstance
from flows.problems import FlowError
from flows.resources import Pool
from nodes.catalog import load_catalog
from nodes.contract import Context, Node, NodeError, Ports
from studio.runner import LiveRun, Runner


class Slow(Node):
    """Stream forever."""

    kind, title, family = "test.slow", "Slow", "Test"

    class Outputs(Ports):
        text: str

    async def run(self, inputs: Any, params: Any, ctx: Context) -> Ports:
        while True:
            await ctx.stream("text", "tick ")
            await asyncio.sleep(0.01)


class Fails(Node):
    """Fail, having been given something."""

    kind, title, family = "test.fails", "Fails", "Test"

    class Inputs(Ports):
        text: str

    class Outputs(Ports):
        text: str

    async def run(self, inputs: Any, params: Any, ctx: Context) -> Ports:
        raise NodeError("It broke.", fix="Mend it.", retry=False)


def environment(_: Path | None) -> Environment:
    return Environment(load_catalog().extended([Slow, Fails]), Pool())


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    history = History(f"sqlite:///{tmp_path / 'history.sqlite'}")
    return Runner(lambda: history, tmp_path / "owners.jsonl", environment)


def chain(kind: str | None = None) -> Flow:
    """A flow that echoes a question, with a node of a kind between."""
    ask = NodeInstance(id="ask", kind="io.input", params={"name": "question"})
    answer = NodeInstance(id="answer", kind="io.output", params={"name": "answer"})
    if kind is None:
        return Flow(nodes=(ask, answer), edges=(Edge(source="ask.value", target="answer.value"),))
    middle = NodeInstance(id="middle", kind=kind)
    edges = [Edge(source="middle.text", target="answer.value")]
    if kind == Fails.kind:
        edges.insert(0, Edge(source="ask.value", target="middle.text"))
    return Flow(nodes=(ask, middle, answer), edges=tuple(edges))


def until(true: Callable[[], Any]) -> None:
    for _ in range(1000):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen")


def ended(live: LiveRun) -> LiveRun:
    until(lambda: not live.active)
    return live


def test_a_run_gives_its_outputs_and_is_recorded(runner: Runner) -> None:
    live = ended(runner.start("doc", "ann", chain(), {"question": "Why?"}))
    assert live.progress.status == "finished"
    assert live.progress.outputs == {"answer": "Why?"}
    assert live.inputs_of("answer") == {"value": "Why?"}
    assert runner._history is not None
    (past,) = runner._history().runs()
    assert (past.id, past.outputs) == (live.id, {"answer": "Why?"})
    assert runner.owners() == {live.id: "ann"}


def test_a_run_is_told_to_its_owner_alone(runner: Runner) -> None:
    ann: list[dict[str, Any]] = []
    bob: list[dict[str, Any]] = []
    runner.subscribe("doc", "ann", ann.append)
    runner.subscribe("doc", "bob", bob.append)
    runner.start("doc", "ann", chain(), {"question": "Why?"})
    until(lambda: any(m.get("run", {}).get("status") == "finished" for m in ann))
    assert bob == [{"reset": True}]
    assert runner.latest("doc", "bob") is None
    assert {"answer", "ask"} <= {m.get("node") for m in ann}


def test_stopping_ends_the_run_and_tells_so(runner: Runner) -> None:
    told: list[dict[str, Any]] = []
    runner.subscribe("doc", "ann", told.append)
    live = runner.start("doc", "ann", chain(Slow.kind), {"question": "Why?"})
    until(lambda: live.progress.nodes.get("middle") and live.progress.nodes["middle"].text)
    runner.stop(live.id)
    ended(live)
    assert live.progress.status == "cancelled"
    until(lambda: {"node": "middle", "status": "cancelled"} in told)
    until(lambda: told[-1].get("run", {}).get("status") == "cancelled")


def test_who_joins_late_hears_what_was_streamed(runner: Runner) -> None:
    live = runner.start("doc", "ann", chain(Slow.kind), {"question": "Why?"})
    until(lambda: live.progress.nodes.get("middle") and live.progress.nodes["middle"].text)
    told: list[dict[str, Any]] = []
    leave = runner.subscribe("doc", "ann", told.append)
    assert told[0]["reset"] is True
    (middle,) = [m for m in told if m.get("node") == "middle" and "text_all" in m]
    assert middle["text_all"].startswith("tick ")
    leave()
    runner.stop(live.id)
    ended(live)
    assert not runner._listeners


def test_a_new_run_of_a_flow_stops_the_one_before(runner: Runner) -> None:
    first = runner.start("doc", "ann", chain(Slow.kind), {"question": "Why?"})
    second = runner.start("doc", "ann", chain(), {"question": "Why?"})
    assert ended(first).progress.status == "cancelled"
    assert ended(second).progress.status == "finished"
    assert runner.latest("doc", "ann") is second


def test_a_failure_keeps_the_problem_and_what_went_in(runner: Runner) -> None:
    live = ended(runner.start("doc", "ann", chain(Fails.kind), {"question": "Why?"}))
    assert live.progress.status == "failed"
    assert live.progress.problem is not None
    assert live.progress.problem["fix"] == "Mend it."
    assert live.inputs_of("middle") == {"text": "Why?"}


def test_a_flow_with_errors_is_not_started(runner: Runner) -> None:
    with pytest.raises(FlowError):
        runner.start("doc", "ann", chain(Fails.kind), {"other": 1})
    assert runner.latest("doc", "ann") is None
    assert runner.owners() == {}
