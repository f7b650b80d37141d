"""Steps inside a node: made once in a run, whatever happens to its process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patchbay.flows.problems import FlowError
from patchbay.flows.runs.history import History
from patchbay.flows.runs.resume import resumed_run
from patchbay.flows.runs.running import Run
from patchbay.flows.runs.step_values import fingerprint, item_fingerprint
from patchbay.nodes.context import IDEMPOTENCY_KEY
from patchbay.nodes.contract import Context, JsonValue, Node, NodeError, NodeParams, Ports
from patchbay.nodes.values import Document
from tests.flows.runs.harness import CATALOG, OUT, environment, flow, words
from tests.stores import url_of

Work = Callable[["Counted", Context], Awaitable[JsonValue]]


class Kill(BaseException):
    """The process ends here."""


class Counted(Node):
    """Does what the test says, and counts its effects."""

    kind, title, family = "test.counted", "Counted", "Test"
    deterministic = False
    work: ClassVar[Work]
    made: ClassVar[list[Any]] = []
    keys: ClassVar[list[str]] = []
    hangs: ClassVar[bool] = False

    class Params(NodeParams):
        """None."""

    class Outputs(Ports):
        value: JsonValue

    async def run(self, inputs: Any, params: Params, ctx: Context) -> Outputs:
        return self.Outputs(value=await type(self).work(self, ctx))

    async def effect(self, what: Any) -> Any:
        """Something that must not happen twice."""
        self.made.append(what)
        self.keys.append(IDEMPOTENCY_KEY.get())
        return what

    async def hang(self) -> None:
        """Get no further, until the run is stopped."""
        Counted.hangs = True
        await asyncio.sleep(600)


FLOW = flow({"n": "test.counted", "o": OUT}, ["n.value > o.value"])


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(url_of(tmp_path / "history.sqlite"))


@pytest.fixture(autouse=True)
def _fresh() -> None:
    Counted.made, Counted.keys = [], []


def env() -> Any:
    return replace(environment(), catalog=CATALOG.extended([Counted]))


async def first(history: History, work: Work, stop_after: int | None = None) -> str:
    """A recorded run that is stopped once so many effects were made and it gets no further."""
    Counted.work = work  # type: ignore[method-assign]
    Counted.hangs = False
    run = Run(FLOW, {}, env())
    run.add_sink(history.recorder(run.id, FLOW))
    async for event in run.events():
        if event.type == "node_started" and event.node == "n" and stop_after is not None:
            asyncio.get_running_loop().create_task(_stop(run, stop_after))
    return run.id


async def _stop(run: Run, after: int) -> None:
    while len(Counted.made) < after or not Counted.hangs:
        await asyncio.sleep(0.001)
    run.cancel()


async def again(history: History, run_id: str, work: Work | None = None) -> list[str]:
    if work is not None:
        Counted.work = work  # type: ignore[method-assign]
    return words([e async for e in resumed_run(history, history.get(run_id), env()).events()])


async def three(node: Counted, ctx: Context) -> JsonValue:
    found = []
    for number in range(3):
        found.append(await ctx.once("effect", node.effect, number))
        if number == 1 and len(Counted.made) == 2:
            await node.hang()
    return found


async def test_a_step_is_made_once(history: History) -> None:
    run_id = await first(history, three, stop_after=2)
    assert Counted.made == [0, 1]
    Counted.made.append("killed")
    assert (await again(history, run_id))[-1] == "finished {'out': [0, 1, 2]}"
    assert Counted.made == [0, 1, "killed", 2]
    labels = [(s.lane, s.count, s.label, s.value) for s in history.steps(run_id, "n")]
    assert labels == [("", n, "effect", str(n)) for n in range(3)]


async def test_without_a_record_it_is_just_called() -> None:
    async def work(node: Counted, ctx: Context) -> JsonValue:
        assert not ctx.recorded
        assert await ctx.once("sum", lambda a, b: a + b, 1, 2) == 3
        return await ctx.once("effect", node.effect, {"any": object}) is not None

    Counted.work = work  # type: ignore[method-assign]
    found = words([e async for e in Run(FLOW, {}, env()).events()])
    assert found[-1] == "finished {'out': True}"
    assert Counted.keys == [""]


async def test_what_a_step_gave_stays_what_it_was(history: History) -> None:
    value = {
        "tuple": (1, (2.0, True)), "none": None, "bytes": b"\x00\xff", "$type": "mine",
        "keys": {1: "a", "1": "b", (2,): "c"}, "document": Document(text="x"), "text": "\ud800",
    }  # fmt: skip
    seen = []

    async def work(node: Counted, ctx: Context) -> JsonValue:
        async def give() -> Any:
            node.made.append("give")
            return value

        seen.append(await ctx.once("give", give))
        if len(seen) == 1:
            await node.hang()
        return "ended"

    run_id = await first(history, work, stop_after=1)
    assert (await again(history, run_id))[-1] == "finished {'out': 'ended'}"
    assert seen == [value, value]
    assert [type(given["tuple"]) for given in seen] == [tuple, tuple]
    assert Counted.made == ["give"]


async def test_what_cannot_be_stored_is_said(history: History) -> None:
    async def work(node: Counted, ctx: Context) -> JsonValue:
        return await ctx.once("give", node.effect, {1, 2})  # type: ignore[no-any-return]

    run_id = await first(history, work)
    problem = history.get(run_id).problem
    assert problem is not None
    assert problem["code"] == "journal/value"
    assert "Python set" in problem["message"]


@pytest.mark.parametrize(("was", "now"), [(1, True), (1, 1.0), (0, False), ("1", 1), ([], ())])
async def test_other_arguments_are_other_steps(history: History, was: Any, now: Any) -> None:
    async def work(node: Counted, ctx: Context) -> JsonValue:
        await ctx.once("effect", node.effect, was if not Counted.made else now)
        if len(Counted.made) == 1:
            await node.hang()
        await ctx.once("last", node.effect, "end")
        return None

    run_id = await first(history, work, stop_after=1)
    found = await again(history, run_id)
    assert [w for w in found if w.startswith("warn")] == [
        'warn n: It now does "effect" with other arguments as step 1: it is not what was recorded. '
        "From here on the node runs live; earlier results after this do not count."
    ]
    assert Counted.made == [was, now, "end"]
    assert [type(value) for value in Counted.made[:2]] == [type(was), type(now)]


@given(st.text(), st.text(), st.text())
def test_items_are_compared_as_steps_are(label: str, digest: str, inputs: str) -> None:
    assert item_fingerprint(label, digest, inputs) == fingerprint(label, (digest, inputs))


async def test_a_retry_gives_what_was_done(history: History) -> None:
    tries = []

    async def work(node: Counted, ctx: Context) -> JsonValue:
        tries.append(1)
        await ctx.once("effect", node.effect, "mail")

        async def fail() -> None:
            if len(tries) < 3:
                raise NodeError("Busy.", retry=True)

        await ctx.once("busy", fail)
        return len(tries)

    Counted.work = work  # type: ignore[method-assign]
    document = flow(
        {"n": ("test.counted", {}, {"retries": 2, "backoff_s": 0}), "o": OUT},
        ["n.value > o.value"],
    )
    run = Run(document, {}, env())
    run.add_sink(history.recorder(run.id, document))
    assert words([e async for e in run.events()])[-1] == "finished {'out': 3}"
    assert Counted.made == ["mail"]


async def test_a_result_that_was_no_good_is_asked_for_anew(history: History) -> None:
    async def work(node: Counted, ctx: Context) -> JsonValue:
        await ctx.once("mail", node.effect, "mail")
        answer = await ctx.once("model", node.effect, "asked", remade=True)
        if Counted.made.count("asked") < 2:
            raise NodeError("That is no JSON.")
        return answer  # type: ignore[no-any-return]

    run_id = await first(history, work)
    assert history.get(run_id).status == "failed"
    assert (await again(history, run_id))[-1] == "finished {'out': 'asked'}"
    assert Counted.made == ["mail", "asked", "asked"]


async def test_a_key_stays_the_same(history: History) -> None:
    async def work(node: Counted, ctx: Context) -> JsonValue:
        async def send(text: str) -> str:
            node.keys.append(IDEMPOTENCY_KEY.get())
            node.made.append(text)
            if len(node.made) == 1:
                await node.hang()  # killed between the effect and its record
            return text

        with ctx.lane("orders"):
            return await ctx.once("send", send, "order")  # type: ignore[no-any-return]

    run_id = await first(history, work, stop_after=1)
    await again(history, run_id)
    assert len(Counted.keys) == 2
    assert len(set(Counted.keys)) == 1
    assert Counted.keys[0].startswith(f"{run_id}/n/orders:0:")


async def test_a_stale_result_counts_where_something_was_built_on_it(history: History) -> None:
    """The clock: what was read of it stays, what was not yet read is asked for anew."""

    async def work(node: Counted, ctx: Context) -> JsonValue:
        times = []
        for number in range(2):
            with ctx.lane(f"clock {number}"):
                times.append(await ctx.once("time", node.effect, f"at {number}", replay=False))
            if number == 0:
                await ctx.once("answer", node.effect, "built on it")
            elif "again" not in Counted.made:
                await node.hang()
        return times

    run_id = await first(history, work, stop_after=3)
    Counted.made.append("again")
    assert (await again(history, run_id))[-1] == "finished {'out': ['at 0', 'at 1']}"
    assert Counted.made == ["at 0", "built on it", "at 1", "again", "at 1"]


async def test_another_edition_of_a_node_starts_over_and_says_so(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = await first(history, three, stop_after=2)
    Counted.made.append("new edition")
    monkeypatch.setattr(Counted, "edition", 2)
    found = await again(history, run_id)
    assert [w for w in found if w.startswith("warn")] == [
        "warn n: What this node had done was done by test.counted 1.1; it is now test.counted 1.2. "
        "What it had done does not count, and it starts over."
    ]
    assert Counted.made == [0, 1, "new edition", 0, 1, 2]


async def test_two_processes_resume_one_run(history: History) -> None:
    run_id = await first(history, three, stop_after=2)
    past = history.get(run_id)
    Counted.made.append("killed")
    run = resumed_run(history, past, env())
    with pytest.raises(FlowError, match="still running"):
        resumed_run(history, past, env())
    assert words([e async for e in run.events()])[-1] == "finished {'out': [0, 1, 2]}"


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.permutations(range(20)), st.permutations(range(20)), st.integers(1, 19))
def test_steps_side_by_side_replay_in_any_order(
    history: History, before: list[int], after: list[int], killed_at: int
) -> None:
    """Twenty at once, that begin and end in another order after a kill: none is made twice."""
    Counted.made = []
    order = before

    async def work(node: Counted, ctx: Context) -> JsonValue:
        async def lane(number: int) -> JsonValue:
            with ctx.lane(f"item {number}"):
                return await ctx.once("effect", slow, number)  # type: ignore[no-any-return]

        async def slow(number: int) -> int:
            for _ in range(order.index(number)):
                await asyncio.sleep(0)
            if order is before and len(Counted.made) >= killed_at:
                await node.hang()
            return int(await node.effect(number))

        async with asyncio.TaskGroup() as group:
            tasks = {number: group.create_task(lane(number)) for number in order}
        return [tasks[number].result() for number in range(20)]

    async def scenario() -> list[str]:
        nonlocal order
        run_id = await first(history, work, stop_after=killed_at)
        assert len(Counted.made) == killed_at
        order = after
        return await again(history, run_id)

    assert asyncio.run(scenario())[-1] == f"finished {{'out': {list(range(20))}}}"
    assert sorted(Counted.made) == list(range(20))
