"""Seeds, parallel requests, conversations."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.asking import (
    conversation,
    derived_seed,
    one_line,
    side_by_side,
    with_suffix,
)
from patchbay.nodes.techniques.asking import AnswerParams
from patchbay.nodes.testing import RecordingContext
from patchbay.nodes.values import Message


def test_each_request_has_its_own_seed_and_keeps_it() -> None:
    seeds = [derived_seed(7, number) for number in range(100)]
    assert seeds == [derived_seed(7, number) for number in range(100)]
    assert len(set(seeds)) == 100
    assert all(seed is not None and 0 <= seed <= 2**32 - 2 for seed in seeds)
    assert derived_seed(8, 0) != seeds[0]
    assert derived_seed(7, 0, "a prompt") not in (seeds[0], derived_seed(7, 0, "another"))
    assert derived_seed(None, 3) is None


async def test_calls_overlap_and_results_keep_their_order() -> None:
    ctx, open_gate = RecordingContext(), asyncio.Event()

    async def call(number: int) -> int:
        if number == 2:
            open_gate.set()
        await open_gate.wait()  # would never end if the calls came one after the other
        return number

    assert await side_by_side([partial(call, n) for n in range(3)], ctx, "calls") == [0, 1, 2]
    assert ctx.progressed[-1] == ("calls", 3, 3)


async def test_the_first_failure_cancels_the_others() -> None:
    cancelled = []

    async def fails() -> None:
        raise NodeError("No.", code="test/no")

    async def hangs() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    with pytest.raises(NodeError, match="No"):
        await side_by_side([hangs, fails], RecordingContext(), "calls")
    assert cancelled == [True]


def test_conversations() -> None:
    turns = conversation("Hi", "Be brief.")
    assert [(m.role, m.content) for m in turns] == [("system", "Be brief."), ("user", "Hi")]
    assert with_suffix(turns, "Now.")[-1].content == "Hi\nNow."
    assert with_suffix(turns, "") == turns
    said = [Message(role="assistant", content="Hello")]
    assert with_suffix(said, "Now.") == said
    with pytest.raises(NodeError) as caught:
        conversation(" ", port="question")
    assert caught.value.port == "question"


def test_a_choice_needs_choices() -> None:
    with pytest.raises(ValidationError, match="needs choices"):
        AnswerParams(answer="choice", choices=[" "])


def test_one_line() -> None:
    assert one_line("a\n b", 3) == "a b"
    assert one_line("abcdef", 3) == "ab…"
