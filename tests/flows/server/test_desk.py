"""The head's desk keeps nothing of places that were given up."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import pytest

from patchbay.flows.server.core.settings import Settings
from patchbay.flows.server.workers.desk import AdmissionDesk, WorkersDesk

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="workers share no port there")


class Heard:
    """The end of a line that keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def send(self, **message: Any) -> None:
        self.sent.append(message)

    @property
    def turns(self) -> list[int]:
        return [message["turn"] for message in self.sent if "turn" in message]


def desk(at_once: int = 1, queue: int = 300) -> tuple[WorkersDesk, AdmissionDesk, Heard]:
    shared, heard = AdmissionDesk(Settings(at_once=at_once, queue=queue)), Heard()
    return WorkersDesk(shared, heard), shared, heard  # type: ignore[arg-type]


def enter(place: WorkersDesk, number: int) -> None:
    place.take({"do": "enter", "id": number, "place": number, "caller": None})


def leave(place: WorkersDesk, number: int) -> None:
    place.take({"do": "leave", "place": number})


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0)


async def test_nothing_remains_of_two_hundred_that_left_the_queue() -> None:
    mine, shared, heard = desk()
    before = asyncio.all_tasks()
    enter(mine, 0)
    for number in range(1, 201):
        enter(mine, number)
    await asyncio.sleep(0)
    assert shared.slots.waiting == 200
    for number in range(1, 201):
        leave(mine, number)
    await until(lambda: asyncio.all_tasks() == before)
    assert (shared.slots.waiting, mine._coming, heard.turns) == (0, {}, [])
    leave(mine, 0)
    assert (shared.slots.busy, mine._places) == (0, {})


async def test_those_that_stay_get_their_turn_in_order() -> None:
    mine, shared, heard = desk()
    before = asyncio.all_tasks()
    for number in range(4):
        enter(mine, number)
    leave(mine, 2)
    leave(mine, 0)
    await until(lambda: heard.turns == [1])
    leave(mine, 1)
    await until(lambda: heard.turns == [1, 3])
    leave(mine, 3)
    leave(mine, 3)  # may come again
    assert shared.slots.busy == 0
    await until(lambda: asyncio.all_tasks() == before)


async def test_one_that_comes_back_from_aside_and_leaves_keeps_no_task() -> None:
    mine, shared, heard = desk(queue=5)
    before = asyncio.all_tasks()
    enter(mine, 0)
    enter(mine, 1)
    mine.take({"do": "aside", "id": 9, "place": 0})
    await until(lambda: heard.turns == [1])
    mine.take({"do": "back", "place": 0})
    leave(mine, 0)
    leave(mine, 1)
    await until(lambda: asyncio.all_tasks() == before)
    assert (shared.slots.busy, shared.slots.waiting, heard.turns) == (0, 0, [1])


async def test_with_a_worker_all_it_had_goes() -> None:
    mine, shared, _ = desk()
    before = asyncio.all_tasks()
    for number in range(5):
        enter(mine, number)
    mine.gone()
    await until(lambda: asyncio.all_tasks() == before)
    assert (shared.slots.busy, shared.slots.waiting) == (0, 0)
