"""Runs that begin at once begin one after another, and whoever leaves holds up nobody."""

from __future__ import annotations

import asyncio
from itertools import groupby

import pytest

from patchbay.flows.server.core.one_by_one import OneByOne

STEPS = 6


async def steps(order: OneByOne, name: str, said: list[str]) -> None:
    await order.turn()
    for _ in range(STEPS):
        said.append(name)
        await asyncio.sleep(0)


async def test_each_has_its_first_steps_for_itself() -> None:
    order, said = OneByOne(), list[str]()
    await asyncio.gather(*(steps(order, name, said) for name in "abcd"))
    assert [name for name, _ in groupby(said)] == ["a", "b", "c", "d"]
    await asyncio.wait_for(steps(order, "e", said), 60)  # and who comes later waits for nobody


@pytest.mark.parametrize("turns", [0, 1, 5, 9, 10, 11, 12, 13, 20])
async def test_one_who_leaves_holds_up_nobody(turns: int) -> None:
    """Before its turn, in the very moment of it, and in the midst of it."""
    order, said = OneByOne(), list[str]()
    first, leaves, last = (asyncio.create_task(steps(order, name, said)) for name in "abc")
    for _ in range(turns):
        await asyncio.sleep(0)
    leaves.cancel()
    await asyncio.wait_for(asyncio.wait([first, leaves, last]), 60)
    assert said.count("c") == STEPS
    await asyncio.wait_for(steps(order, "d", said), 60)
