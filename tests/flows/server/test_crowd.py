"""Ten thousand requests at once: each is answered, run or refused, and nothing is left of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from patchbay.flows.server.core.refusals import RefusedError
from patchbay.flows.server.core.settings import Settings
from patchbay.flows.server.core.slots import Slots
from tests.flows.server.flows import write
from tests.flows.server.nodes import Words
from tests.flows.server.serving import KEY, serving

CROWD = 10_000


async def test_ten_thousand_wait_in_their_order_and_any_may_leave():
    slots = Slots(1, CROWD)
    first = slots.enter()
    crowd = [slots.enter() for _ in range(CROWD)]
    with pytest.raises(RefusedError) as caught:
        slots.enter()
    assert caught.value.status == 429
    assert caught.value.retry_s
    for place in crowd[1::2]:
        place.leave()
    assert slots.waiting == CROWD / 2
    first.leave()
    for place in crowd[::2]:
        await asyncio.wait_for(place.come(), 30)
        assert slots.busy == 1
        place.leave()
    assert (slots.busy, slots.waiting) == (0, 0)


@pytest.fixture
def held() -> Iterator[None]:
    """No run gets on until a test says so."""
    Words.may_begin.clear()
    yield
    Words.may_begin.set()


@pytest.mark.usefixtures("held")
async def test_a_crowd_at_the_door(tmp_path: Path):
    """More connections than fit, each with several requests: those that find no place are told
    when to come again, and the others are served."""
    settings = Settings(at_once=2, queue=20)
    with serving(write(tmp_path / "flows", "slow"), settings) as served:
        codes: Counter[int] = Counter()
        limits = httpx.Limits(max_connections=60)
        head = {"authorization": f"Bearer {KEY}"}
        async with httpx.AsyncClient(
            base_url=served.address, headers=head, limits=limits, timeout=120
        ) as http:

            async def ask() -> None:
                answer = await http.post("/flows/slow/run", json={"question": "a b"})
                codes[answer.status_code] += 1
                if codes[429] == 120 - 22:  # all that fit are inside
                    Words.may_begin.set()
                if answer.status_code == 429:
                    assert 1 <= int(answer.headers["retry-after"]) <= 60
                    assert answer.json()["error"]["code"] == "serve/busy"

            await asyncio.gather(*(ask() for _ in range(120)))
        assert codes == {200: 22, 429: 98}
        assert (served.service.slots.busy, served.service.slots.waiting) == (0, 0)
        assert not served.service.live
