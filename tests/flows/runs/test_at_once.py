"""Nodes that never wait: told from their code, run without tasks, in the order of before."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator
from contextvars import ContextVar
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.document.model import Flow
from patchbay.flows.document.writing import save_flow
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.at_once import finished, never_waits
from patchbay.flows.runs.events import Event
from patchbay.flows.runs.failures import RunError
from patchbay.flows.runs.prepared import PreparedFlow
from patchbay.flows.runs.running import LoadedFlow
from patchbay.nodes.contract import Context, Node, Ports
from tests.flows.runs.harness import CATALOG, OUT, environment, events_of, flow, words

MARK: ContextVar[str] = ContextVar("mark", default="unmarked")


async def _numbers() -> AsyncIterator[int]:
    yield 1


class Ways:
    """One coroutine for each way of waiting, and of not waiting."""

    async def plain(self) -> int:
        return 1

    async def loops(self) -> list[int]:
        return [n for n in range(3) if n]

    async def holds_one(self) -> Any:
        async def inner() -> None:
            await asyncio.sleep(0)

        return inner

    async def awaits(self) -> None:
        await asyncio.sleep(0)

    async def awaits_somewhere(self) -> None:
        if MARK.get() == "never":
            await asyncio.sleep(0)

    async def enters(self) -> None:
        async with asyncio.timeout(1):
            pass

    async def goes_over(self) -> None:
        async for _ in _numbers():
            pass

    async def collects(self) -> list[int]:
        return [n async for n in _numbers()]

    def hands_on(self) -> Any:
        return self.awaits()

    async def gives(self) -> AsyncIterator[int]:
        yield 1


@pytest.mark.parametrize("name", ["plain", "loops", "holds_one"])
def test_what_never_waits(name: str) -> None:
    assert never_waits(getattr(Ways, name))
    finished(getattr(Ways(), name)())


WAITING = ("awaits", "awaits_somewhere", "enters", "goes_over", "collects", "hands_on", "gives")


@pytest.mark.parametrize("name", WAITING)
def test_what_may_wait(name: str) -> None:
    assert not never_waits(getattr(Ways, name))


def test_of_what_has_no_code_nothing_is_known() -> None:
    assert not never_waits(len)


class Forwards:
    """A wrapper that looks like the function in it, and waits: such as wrapt's."""

    def __init__(self, wrapped: Any) -> None:
        self.__wrapped__ = wrapped

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wrapped__, name)

    def __get__(self, node: Any, of: Any = None) -> Any:
        return self if node is None else partial(self, node)

    async def __call__(self, *args: Any) -> Any:
        await asyncio.sleep(0)
        return await self.__wrapped__(*args)


def looks_like(wrapped: Any) -> Any:
    @functools.wraps(wrapped)
    async def waits(*args: Any) -> Any:
        await asyncio.sleep(0)
        return await wrapped(*args)

    return waits


async def test_what_passes_off_the_code_of_another_as_its_own_may_wait() -> None:
    wrapped = Forwards(Ways.plain)
    assert wrapped.__code__ is Ways.plain.__code__
    for other in (wrapped, looks_like(Ways.plain), partial(Ways.plain), Ways().plain):
        assert not never_waits(other)

    class Wrapped(Marks):
        kind = "test.wrapped"
        run = Forwards(Marks.run)

    catalog = CATALOG.extended([Wrapped])
    document = flow({"w": "test.wrapped", "o": OUT}, ["w.text > o.value"])
    found = await events_of(document, env=environment(catalog=catalog))
    assert words(found)[-1] == "finished {'out': 'unmarked'}"


def test_one_that_waits_after_all_is_a_defect_and_no_hang() -> None:
    with pytest.raises(RuntimeError, match="although its code"):
        finished(Ways().awaits())


class Marks(Node):
    """Say how the context variable stands, and change it."""

    kind, title, family = "test.marks", "Marks", "Test"

    class Inputs(Ports):
        text: str = ""  # type: ignore[assignment]

    class Outputs(Ports):
        text: str

    async def run(self, inputs: Any, params: Any, ctx: Context) -> Outputs:
        before = MARK.get()
        MARK.set("marked")
        return self.Outputs(text=before)


def marks(count: int) -> Flow:
    ids = [f"m{n}" for n in range(count)]
    nodes: dict[str, Any] = dict.fromkeys(ids, "test.marks") | {"o": OUT}
    wires = [f"{a}.text > {b}.text" for a, b in pairwise(ids)]
    return flow(nodes, [*wires, f"{ids[-1]}.text > o.value"])


async def test_a_context_variable_that_a_node_sets_stays_with_it() -> None:
    found = await events_of(marks(2), env=environment(catalog=CATALOG.extended([Marks])))
    assert words(found)[-1] == "finished {'out': 'unmarked'}"


async def test_a_chain_of_them_makes_no_task_and_lets_others_have_turns() -> None:
    made: list[Any] = []
    loop = asyncio.get_running_loop()
    ready = PreparedFlow(marks(3_000), environment(catalog=CATALOG.extended([Marks])))
    turns = 0

    async def tick() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(tick())
    loop.set_task_factory(lambda _, coro, **more: made.append(coro) or asyncio.Task(coro, **more))  # type: ignore[func-returns-value,arg-type]
    try:
        assert (await ready.run({})).outputs == {"out": "unmarked"}
    finally:
        loop.set_task_factory(None)
        other.cancel()
    assert made == []
    assert turns > 1


WAITS = flow(
    {"t": ("test.text", {"text": "a"}), "u": ("test.upper", {"wait_s": 0.001}), "o": OUT},
    ["t.text > u.text", "u.text > o.value"],
)


@pytest.mark.parametrize("document", [WAITS, marks(2)], ids=["waits", "never waits"])
def test_a_prepared_flow_runs_in_one_loop_after_another_and_in_other_threads(
    document: Flow,
) -> None:
    ready = PreparedFlow(document, environment(catalog=CATALOG.extended([Marks])))
    right = asyncio.run(ready.run({})).outputs
    assert right["out"] in ("A", "unmarked")
    assert asyncio.run(ready.run({})).outputs == right, "the first loop has closed"

    def elsewhere() -> dict[str, Any]:
        return asyncio.run(ready.run({})).outputs

    async def beside() -> list[dict[str, Any]]:
        here = await ready.run({})
        there = [asyncio.to_thread(elsewhere) for _ in range(2)]
        return [here.outputs, *await asyncio.gather(*there), (await ready.run({})).outputs]

    assert asyncio.run(beside()) == [right] * 4


async def test_a_long_loop_of_them_can_be_stopped(tmp_path: Path) -> None:
    quick = flow({"i": ("io.input", {"name": "item"}), "o": OUT}, ["i.value > o.value"])
    save_flow(quick, tmp_path / "quick.json")
    loop = {"flow": "quick", "output": "out"}
    document = flow(
        {
            "i": ("io.input", {"name": "items", "kind": "json"}),
            "e": ("logic.for_each", loop),
            "o": OUT,
        },
        ["i.value > e.items", "e.results > o.value"],
    )
    ready = PreparedFlow(LoadedFlow(document, tmp_path), environment())
    work = asyncio.create_task(ready.run({"items": list(range(1_000_000))}))
    await asyncio.sleep(0.05)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work


class TestPrepared:
    """What a prepared flow gives, and what it says."""

    document = flow(
        {"i": ("io.input", {"name": "text"}), "u": "test.upper", "o": OUT},
        ["i.value > u.text", "u.text > o.value"],
    )

    async def test_runs_may_overlap(self) -> None:
        ready = PreparedFlow(self.document, environment())
        found = await asyncio.gather(*(ready.run({"text": f"row {n}"}) for n in range(20)))
        assert [one.outputs["out"] for one in found] == [f"ROW {n}" for n in range(20)]

    async def test_whoever_listens_hears_what_a_run_says(self) -> None:
        heard: list[Event] = []
        await PreparedFlow(self.document, environment()).run({"text": "a"}, heard.append)
        whole = await events_of(self.document, {"text": "a"})
        assert words(heard) == words(whole)[:-1]

    async def test_what_does_not_fit_is_said_at_once(self) -> None:
        ready = PreparedFlow(self.document, environment())
        with pytest.raises(FlowError, match="no value and no default"):
            await ready.run({})
        with pytest.raises(FlowError, match='no input "txet"'):
            await ready.run({"txet": "a"})

    async def test_a_failure_names_the_node(self) -> None:
        document = flow(
            {"i": ("io.input", {"name": "text"}), "f": "test.fail", "o": OUT},
            ["i.value > f.text", "f.text > o.value"],
        )
        with pytest.raises(RunError) as failed:
            await PreparedFlow(document, environment()).run({"text": "a"})
        assert failed.value.problem.node == "f"

    async def test_a_run_that_is_cancelled_leaves_nothing_at_work(self) -> None:
        document = flow({"h": "test.hang", "o": OUT}, ["h.text > o.value"])
        work = asyncio.create_task(PreparedFlow(document, environment()).run({}))
        await asyncio.sleep(0.01)
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work
        assert asyncio.all_tasks() == {asyncio.current_task()}
