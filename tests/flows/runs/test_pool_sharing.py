"""One thing opened for descriptions that differ in the room they need; what is idle is let go."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from patchbay.flows.runs.resources import Pool
from patchbay.nodes.values import Opening, Spec
from tests.flows.runs.test_pool import Watch


@dataclass
class Room:
    """What a description opens: a thing of a size, and whether it was closed."""

    size: int
    closed: bool = False

    def close(self) -> None:
        self.closed = True


class Roomy(Spec):
    """Something that is held once for all who need no more room than the largest of them."""

    port: ClassVar[str] = "roomy"
    name: str
    size: int = 1

    opened: ClassVar[list[Room]] = []

    @property
    def slots(self) -> int:
        return 2

    def memory(self) -> int:
        return self.size

    def together(self, other: Spec) -> Spec | None:
        if not isinstance(other, Roomy) or other.name != self.name:
            return None
        return self if self.size >= other.size else other

    def view(self, opened: Room) -> tuple[int, Room]:
        return self.size, opened

    def open(self, opening: Opening) -> Room:
        room = Room(self.size)
        self.opened.append(room)
        return room


class Alone(Spec):
    """Something that shares with nobody else."""

    port: ClassVar[str] = "alone"
    name: str

    def open(self, opening: Opening) -> Any:
        return self.name


@pytest.fixture(autouse=True)
def _fresh() -> None:
    Roomy.opened.clear()


async def use(pool: Pool, spec: Spec) -> Any:
    async with pool.use(spec, Watch()) as opened:
        return opened


async def test_who_needs_less_room_uses_what_is_open_as_he_asks() -> None:
    pool = Pool(limit=100)
    async with pool.use(Roomy(name="a", size=8), Watch()) as (large, first):
        async with pool.use(Roomy(name="a", size=3), Watch()) as (small, second):
            assert (large, small) == (8, 3)
            assert first is second
        async with pool.use(Roomy(name="b", size=3), Watch()) as (_, other):
            assert other is not first
    assert [room.size for room in Roomy.opened] == [8, 3]


async def test_what_is_idle_and_too_small_makes_way_for_one_with_room_for_both() -> None:
    pool = Pool(limit=100)
    _, small = await use(pool, Roomy(name="a", size=3))
    _, large = await use(pool, Roomy(name="a", size=8))
    assert small.closed
    assert await use(pool, Roomy(name="a", size=3)) == (3, large)
    assert [taken for _, taken, _ in pool.resident()] == [8]


async def test_a_run_that_says_what_it_will_open_gets_room_for_all_at_once() -> None:
    pool = Pool(limit=100)
    with pool.expecting([Roomy(name="a", size=8), Roomy(name="b", size=9), Alone(name="x")]):
        async with (
            pool.use(Roomy(name="a", size=3), Watch()) as (_, first),
            pool.use(Roomy(name="a", size=8), Watch()) as (_, second),
        ):
            assert first is second
    assert [room.size for room in Roomy.opened] == [8]
    await use(pool, Roomy(name="c", size=1))
    assert Roomy.opened[-1].size == 1, "nobody expects more any longer"


async def test_without_a_word_before_two_are_open_where_both_are_in_use() -> None:
    pool = Pool(limit=100)
    async with (
        pool.use(Roomy(name="a", size=3), Watch()) as (_, first),
        pool.use(Roomy(name="a", size=8), Watch()) as (_, second),
    ):
        assert first is not second
        assert not first.closed


async def test_slots_are_those_of_what_is_shared() -> None:
    pool = Pool(limit=100)
    watch = Watch()
    holding = [pool.use(Roomy(name="a", size=size), watch) for size in (8, 3)]
    for one in holding:
        await one.__aenter__()
    third = asyncio.create_task(use(pool, Roomy(name="a", size=2)))
    await asyncio.sleep(0.05)
    assert not third.done()
    await holding[0].__aexit__(None, None, None)
    assert (await third)[0] == 2
    await holding[1].__aexit__(None, None, None)


async def test_others_are_let_go_when_a_run_begins_and_what_it_needs_stays() -> None:
    pool = Pool(limit=100)
    _, mine = await use(pool, Roomy(name="a", size=8))
    _, other = await use(pool, Roomy(name="b", size=5))
    await use(pool, Alone(name="x"))
    async with pool.use(Roomy(name="c", size=4), Watch()) as (_, busy):
        assert pool.let_go(keep=[Roomy(name="a", size=3), Alone(name="x")]) == 5
        assert (mine.closed, other.closed, busy.closed) == (False, True, False)
    assert pool.let_go(older_s=60) == 0
    assert pool.let_go() == 12
    assert pool.resident() == []


async def test_what_is_idle_for_long_goes_by_itself() -> None:
    pool = Pool(limit=100)
    async with pool.use(Roomy(name="busy"), Watch()):
        _, idle = await use(pool, Roomy(name="idle"))
        pool.let_idle_go(0.02)
        until = time.monotonic() + 60
        while not idle.closed and time.monotonic() < until:
            await asyncio.sleep(0.01)
        assert idle.closed
        assert [spec.name for spec, *_ in pool.resident() if isinstance(spec, Roomy)] == ["busy"]
