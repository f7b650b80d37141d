"""The time, in a zone."""

from __future__ import annotations

import datetime

import pytest

from patchbay.nodes.tools.clock import Clock
from tests.nodes.tools.kit import called, tool_of


async def test_it_tells_the_time():
    before = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    told = await called(tool_of(Clock))
    after = datetime.datetime.now(datetime.UTC)
    weekday, _, rest = told.partition(", ")
    time = datetime.datetime.strptime(rest, "%Y-%m-%d %H:%M:%S %Z").replace(tzinfo=datetime.UTC)
    assert before <= time <= after
    assert weekday == time.strftime("%A")


async def test_in_a_zone():
    assert (await called(tool_of(Clock, {"zone": "Asia/Tokyo"}))).endswith("JST")


def test_a_zone_that_is_none():
    with pytest.raises(ValueError, match="not a time zone"):
        Clock.Params(zone="Middle/Earth")


def test_an_agent_with_a_clock_does_not_repeat_itself():
    assert tool_of(Clock).repeatable is False  # type: ignore[attr-defined]
