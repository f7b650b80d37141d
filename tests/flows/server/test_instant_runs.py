"""Runs of flows that never wait: done within their request, and told as all others are."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from patchbay.flows.document.writing import canonical_text
from patchbay.flows.server.core.keys import OWNER
from patchbay.flows.server.core.service import FlowService
from patchbay.flows.server.core.settings import Settings
from tests.flows.runs.harness import flow
from tests.flows.server.flows import FLOWS, asks, gives, write
from tests.flows.server.serving import Served, serving

JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("name", "instant"),
    [
        ("at_once", True), ("prints", True), ("typed", True), ("read", True), ("size", True),
        ("shout", False), ("words", False), ("chat", False), ("approve", False),
    ],
)  # fmt: skip
def test_which_flows_are_instant(served: Served, name: str, instant: bool):
    assert served.service.shelf.get(name).instant is instant


def test_it_is_counted_logged_and_not_kept(served: Served, caplog: pytest.LogCaptureFixture):
    def counted() -> str:
        lines = served.http.get("/metrics").text.splitlines()
        wanted = 'patchbay_runs_total{flow="at_once",status="finished"}'
        return next((line for line in lines if line.startswith(wanted)), f"{wanted} 0")

    before = int(counted().rpartition(" ")[2])
    with caplog.at_level(logging.INFO, "patchbay.serve"):
        told = served.run("at_once", {"text": "a"}).json()
    assert int(counted().rpartition(" ")[2]) == before + 1
    line = next(r.getMessage() for r in caplog.records if told["run"] in r.getMessage())
    assert "flow=at_once caller=owner status=finished" in line
    assert told["run"] not in served.service.live
    assert served.service.slots.busy == 0


def test_the_buckets_of_seconds_add_up(served: Served):
    served.run("at_once", {"text": "a"})
    lines = served.http.get("/metrics").text.splitlines()
    within = [
        int(line.rpartition(" ")[2])
        for line in lines
        if line.startswith('patchbay_run_seconds_bucket{flow="at_once"')
    ]
    assert within == sorted(within)
    assert within[-1] >= 1


def test_one_that_fails_names_its_node_and_gives_its_slot_back(served: Served):
    answer = served.run("at_once", {"text": ""})
    assert answer.status_code == 500
    told = answer.json()
    assert (told["status"], told["error"]["node"]) == ("failed", "up")
    assert served.service.slots.busy == 0


def test_inputs_that_do_not_fit_begin_nothing(served: Served):
    answer = served.run("at_once", {"txt": "a"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "input/unknown")
    assert served.service.slots.busy == 0


def test_what_is_out_of_the_ordinary_is_said(tmp_path: Path):
    folder = write(tmp_path / "flows", "at_once")
    gaps = flow(
        {"in": asks("items", "json"), "join": "text.join", "out": gives()},
        ["in.value > join.texts", "join.text > out.value"],
        "Gaps",
    )
    (folder / "gaps.json").write_text(canonical_text(gaps), encoding="utf-8")
    with serving(folder) as found:
        assert found.service.shelf.get("gaps").instant
        told = found.run("gaps", {"items": ["a", None]}).json()
    assert told["outputs"] == {"answer": "a"}
    assert told["warnings"] == ["1 of 2 items are missing and were left out."]


def test_where_all_slots_are_taken_it_waits_as_others_do(tmp_path: Path):
    folder = write(tmp_path / "flows", "at_once", "slow")
    with serving(folder, Settings(at_once=1, queue=4)) as found:
        behind = found.run("slow", {"question": "a b c", "background": True}).json()
        told = found.run("at_once", {"text": "a"}).json()
        assert told["outputs"] == {"answer": "A"}
        assert found.http.get(f"/runs/{behind['run']}").json()["status"] == "finished"


def test_one_that_takes_too_long_says_so(tmp_path: Path):
    chain = {"in": asks("text"), **{f"n{i}": "test.at_once" for i in range(400)}, "out": gives()}
    wires = ["in.value > n0.text", *(f"n{i}.text > n{i + 1}.text" for i in range(399))]
    folder = write(tmp_path / "flows", "at_once")
    long = flow(chain, [*wires, "n399.text > out.value"], "Long")
    (folder / "long.json").write_text(canonical_text(long), encoding="utf-8")
    with serving(folder, Settings(timeout_s=0.0001)) as found:
        answer = found.run("long", {"text": "a" * 20_000})
    assert answer.status_code == 504
    assert answer.json()["error"]["code"] == "serve/timeout"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "/flows/shoot/run", 404, "serve/unknown-flow"),
        ("GET", "/flows/at_once/run", 405, "serve/address"),
        ("POST", "/flows/at_once/run/more", 404, "serve/address"),
        ("POST", "/flows//run", 404, "serve/address"),
    ],
)
def test_calls_that_miss_are_told_as_before(
    served: Served, method: str, path: str, status: int, code: str
):
    answer = served.http.request(method, path, json={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_a_mistake_of_ours_is_an_answer_in_json(served: Served, monkeypatch: pytest.MonkeyPatch):
    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(FlowService, "begin", broken)
    answer = served.run("at_once", {"text": "a"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "run/defect")


def test_a_body_in_pieces_is_read_whole(served: Served):
    def pieces():  # type: ignore[no-untyped-def]
        yield b'{"te'
        yield b'xt": "in pieces"}'

    answer = served.http.post("/flows/at_once/run", content=pieces(), headers=JSON)
    assert answer.json()["outputs"] == {"answer": "IN PIECES"}


def test_a_changed_file_is_what_runs_next(tmp_path: Path):
    folder = write(tmp_path / "flows", "at_once")
    with serving(folder) as found:
        assert found.run("at_once", {"text": "a"}).json()["outputs"] == {"answer": "A"}
        text = canonical_text(FLOWS["at_once"]).replace('"answer"', '"loud"')
        (folder / "at_once.json").write_text(text, encoding="utf-8")
        found.service.shelf._looked.clear()  # it looks twice a second
        assert found.run("at_once", {"text": "a"}).json()["outputs"] == {"loud": "A"}


async def test_one_that_is_broken_off_gives_its_slot_back(served: Served):
    service = served.service
    shelf_flow = service.shelf.get("at_once")

    class Ready:
        def accept(self, inputs: object) -> dict[str, str]:
            return {}

        async def run_accepted(self, *_: object, **__: object) -> None:
            raise asyncio.CancelledError

    from patchbay.flows.server.core.asked import RunRequest
    from patchbay.flows.server.core.instant_runs import run_at_once
    from patchbay.flows.server.core.served_run import ServedRun

    live = ServedRun("x", shelf_flow, OWNER, service.settings, follow=False)
    turn = await service.admission.enter(None)
    assert service.slots.busy == 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(shelf_flow), "ready", lambda *_: Ready())
        with pytest.raises(asyncio.CancelledError):
            await run_at_once(service, live, RunRequest(), turn)
    assert (service.slots.busy, live.status) == (0, "cancelled")
