"""Descriptions that hold others: opened once, shared, let go together, queueing where they say."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, ClassVar

import pytest

from patchbay.flows.runs.resources import Pool
from patchbay.nodes.contract import NodeError
from patchbay.nodes.values import Opening, Spec
from tests.flows.runs.nodes import Thing
from tests.flows.runs.test_pool import Watch


class Wrap(Spec):
    """Something over a thing, in whose queue it stands."""

    port: ClassVar[str] = "wrap"
    name: str
    inner: Thing

    def queue(self) -> Spec:
        return self.inner

    def open(self, opening: Opening) -> Any:
        return (self.name, opening.open(self.inner))


@pytest.fixture(autouse=True)
def _fresh() -> None:
    Thing.opened.clear()
    Thing.closed.clear()


THING = Thing(name="base", places=1, size=10)


async def test_two_wraps_share_what_they_hold() -> None:
    pool = Pool(limit=100)
    async with (
        pool.use(Wrap(name="a", inner=THING), Watch(), slot=False) as (_, first),
        pool.use(Wrap(name="b", inner=THING), Watch(), slot=False) as (_, second),
    ):
        assert first is second
    assert Thing.opened == ["base"]


async def test_closing_the_pool_lets_go_of_the_parts_as_well() -> None:
    pool = Pool(limit=100)
    async with pool.use(Wrap(name="a", inner=THING), Watch()):
        pool.close()
        assert Thing.closed == [], "it is held as long as what it is a part of"
    pool.close()
    assert Thing.closed == ["base"]
    assert pool.resident() == []


async def test_a_part_that_does_not_open_fails_the_whole_and_can_be_tried_again() -> None:
    pool = Pool(limit=100)
    broken = Wrap(name="a", inner=THING.model_copy(update={"fails": True}))
    for _ in range(2):
        with pytest.raises(NodeError, match="it is broken"):
            async with pool.use(broken, Watch()):
                pass
    assert pool.resident() == []


async def test_requests_queue_at_the_part_that_is_named() -> None:
    pool, watch = Pool(limit=100), Watch()
    inside: list[str] = []

    async def request(name: str) -> None:
        async with pool.use(Wrap(name=name, inner=THING), watch):
            inside.append(name)
            assert len(inside) == 1, "the base has one place for both"
            async with asyncio.timeout(60):  # until the other one has come
                while "waits at 1" not in watch.heard:
                    await asyncio.sleep(0.01)
            inside.remove(name)

    await asyncio.gather(request("a"), request("b"))
    assert "waits at 1" in watch.heard


async def test_without_a_slot_nobody_waits() -> None:
    pool = Pool(limit=100)
    async with pool.use(THING, Watch()):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(60), pool.use(THING, Watch(), slot=False):
                return
    raise AssertionError("it waited for the slot that it did not want")
