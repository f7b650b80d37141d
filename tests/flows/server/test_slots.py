"""Slots and the queue before them, time limits, and the end of a server with runs."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import httpx

from patchbay.flows.server.core.settings import Settings
from tests.flows.server.flows import write
from tests.flows.server.nodes import Words
from tests.flows.server.serving import KEY, Served, code, serving


async def _all(served: Served, calls: int, body: dict, refused: int) -> list[httpx.Response]:
    """So many calls at once; the runs of those that are taken begin once the others are refused."""
    headers = {"authorization": f"Bearer {KEY}"}
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=served.address, headers=headers, limits=limits, timeout=60
    ) as http:
        sent = [
            asyncio.ensure_future(http.post("/flows/slow/run", json=body)) for _ in range(calls)
        ]
        while sum(one.done() for one in sent) < refused:
            await asyncio.sleep(0.01)
        Words.may_begin.set()  # all have come
        return await asyncio.gather(*sent)


def test_slots_queue_and_refusals(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    settings = Settings(at_once=2, queue=3)
    with serving(write(tmp_path / "flows", "slow"), settings) as served:
        Words.most = 0
        Words.may_begin.clear()
        try:
            answers = asyncio.run(_all(served, 12, {"question": "a b c d"}, refused=7))
        finally:
            Words.may_begin.set()
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses == [200] * 5 + [429] * 7
        assert Words.most == 2
        late = next(answer for answer in answers if answer.status_code == 429)
        assert code(late) == (429, "serve/busy")
        assert int(late.headers["retry-after"]) >= 1
        assert (served.service.slots.busy, served.service.slots.waiting) == (0, 0)


def test_a_run_that_takes_too_long(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    with serving(write(tmp_path / "flows", "slow"), Settings(timeout_s=0.2)) as served:
        body = {"question": "a " * 100}
        assert code(served.run("slow", body)) == (504, "serve/timeout")
        text = served.run("slow", {**body, "stream": True}).text
        assert "serve/timeout" in text.rstrip().splitlines()[-1]


def test_it_ends_with_its_runs(tmp_path: Path, monkeypatch):
    """What fits into the time ends well; what is new is refused, and what is long is stopped."""
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    settings = Settings(drain_s=4.0)
    with serving(write(tmp_path / "flows", "slow"), settings) as served:
        short = served.run("slow", {"question": "a b", "background": True}).json()["run"]
        long = served.run("slow", {"question": "a " * 500, "background": True}).json()["run"]
        while served.http.get(f"/runs/{long}").json()["status"] != "running":
            time.sleep(0.01)
        served.service.slots.closed = True
        answer = served.run("slow", {"question": "a"})
        assert code(answer) == (503, "serve/ending")
        assert answer.headers["retry-after"] == "5"
        assert served.http.get("/health").status_code == 503
    history = served.service.opened
    assert history is not None
    assert history.get(short).status == "finished"
    assert history.get(long).status == "cancelled"
