"""What is due is started once, what was missed is said, and webhooks are signed."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.document.writing import canonical_text
from patchbay.flows.runs.history import History
from patchbay.flows.server.core.keys import Keys
from patchbay.flows.server.core.owners import Owners
from patchbay.flows.server.core.service import FlowService
from patchbay.flows.server.core.settings import Settings
from patchbay.flows.server.core.shelf import Shelf
from patchbay.flows.server.triggers.firing import Firing
from patchbay.flows.triggers.claims import Claims, told
from patchbay.flows.triggers.signature import AT, ID, SIGNATURE, headers_for
from patchbay.flows.triggers.triggers import add_trigger, read_triggers
from tests.flows.runs.harness import flow as flow_of
from tests.flows.server.flows import asks, gives, write
from tests.flows.server.serving import CATALOG, KEY, Served, serving
from tests.flows.server.test_runs import until
from tests.stores import url_of

START = datetime(2026, 11, 29, 7, 30, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def service_in(folder: Path, at_once: int = 4) -> FlowService:
    from patchbay.flows.runs.environment import Environment
    from patchbay.flows.runs.resources import Pool
    from patchbay.flows.runs.secrets import Secrets

    env = Environment(CATALOG, Pool(), Secrets(env={}, files=()))
    history = History(url_of(folder / "history.sqlite"))
    flows = write(folder / "flows", "shout", "words")
    settings = Settings(at_once=at_once, queue=0)
    return FlowService(Shelf([flows], CATALOG), Keys(KEY), settings, Owners(b"x"), env, history)


async def runs_of(*services: FlowService) -> list[str]:
    """How every run ended, once all have."""
    for service in services:
        for live in list(service.live.values()):
            await live.settled()
    history = await services[0].history()
    return [run.status for run in history.runs()]


# --- schedules ------------------------------------------------------------------------------------


async def test_what_is_due_is_started_once_by_however_many_servers(home: Path, tmp_path: Path):
    add_trigger("morning", "shout", schedule="0 8 * * *", inputs={"text": "up"})
    services = [service_in(tmp_path), service_in(tmp_path)]
    both = [Firing(service) for service in services]
    for firing in both:
        assert await firing.look(START) <= 15
    due = START.replace(hour=8, minute=0, second=1)
    for firing in (*both, *both):
        await firing.look(due)
        await firing.settled()
    assert await runs_of(*services) == ["finished"]
    (run,) = (await services[0].history()).runs()
    assert run.outputs == {"answer": "UP"}
    last = Claims(await services[0].history()).latest(read_triggers()["morning"].key)
    assert last is not None
    assert (last.run, last.moment) == (run.id, "2026-11-29T08:00:00Z")


async def test_a_new_trigger_does_not_make_up_for_the_past(home: Path, tmp_path: Path):
    add_trigger("often", "shout", schedule="* * * * *", inputs={"text": "a"})
    firing = Firing(service := service_in(tmp_path))
    await firing.look(START)
    assert await runs_of(service) == []


@pytest.mark.parametrize(("missed", "ran"), [("say", 0), ("run", 1)])
async def test_missed_times_are_said(
    home: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, missed: str, ran: int
):
    caplog.set_level(logging.INFO, "patchbay.serve")
    add_trigger("morning", "shout", schedule="0 8 * * *", missed=missed, inputs={"text": "a"})
    await Firing(service_in(tmp_path)).look(START)
    later = Firing(service := service_in(tmp_path))  # a server is there again three days later
    await later.look(START + timedelta(days=3))
    await later.settled()
    (said,) = [r.message for r in caplog.records if "missed" in r.message]
    assert "3 times were missed, from 2026-11-29T08:00:00Z to 2026-12-01T08:00:00Z" in said
    assert len(await runs_of(service)) == ran
    claims = Claims(await service.history())
    assert claims.missed(read_triggers()["morning"].key) == 3 - ran
    await later.look(START + timedelta(days=3))
    assert len([r for r in caplog.records if "missed" in r.message]) == 1


async def test_another_schedule_begins_anew(
    home: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    add_trigger("a", "shout", schedule="0 8 * * *", inputs={"text": "a"})
    firing = Firing(service := service_in(tmp_path))
    await firing.look(START)
    file = home / "triggers.toml"
    file.write_text(file.read_text().replace("0 8 * * *", "* * * * *"))
    await firing.look(START + timedelta(hours=9))
    assert await runs_of(service) == []
    assert "missed" not in caplog.text


async def test_a_full_server_is_asked_again(home: Path, tmp_path: Path, monkeypatch: Any):
    monkeypatch.setattr("patchbay.flows.server.triggers.firing._AGAIN_S", 0.01)
    add_trigger("morning", "shout", schedule="0 8 * * *", inputs={"text": "a"})
    firing = Firing(service := service_in(tmp_path, at_once=1))
    await firing.look(START)
    place = service.slots.enter()
    await firing.look(START.replace(hour=8, minute=0))
    assert await runs_of(service) == []
    place.leave()
    await firing.settled()
    assert await runs_of(service) == ["finished"]


async def test_what_does_not_start_says_why(
    home: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    add_trigger("wrong", "shout", schedule="0 8 * * *", inputs={"other": "a"})
    add_trigger("gone", "nowhere", schedule="0 8 * * *")
    firing = Firing(service := service_in(tmp_path))
    await firing.look(START)
    await firing.look(START.replace(hour=8, minute=0))
    await firing.settled()
    assert "trigger wrong did not start" in caplog.text
    assert caplog.text.count('The trigger "gone" is for the flow nowhere') == 1
    assert await runs_of(service) == []


def told_of(history: History, name: str) -> dict[str, Any]:
    trigger = read_triggers()[name]
    return told(trigger, Claims(history))


async def test_what_cannot_start_counts_as_missed_and_names_no_run(home: Path, tmp_path: Path):
    add_trigger("wrong", "shout", schedule="0 8 * * *", inputs={"other": "a"})
    firing = Firing(service := service_in(tmp_path))
    await firing.look(START)
    for _ in range(3):  # it is not tried again: the inputs are the same
        await firing.look(START.replace(hour=8, minute=0))
        await firing.settled()
    found = told_of(await service.history(), "wrong")
    assert (found["missed"], found["last"]["run"]) == (1, "")


@pytest.mark.parametrize("missed", ["say", "run"])
async def test_a_server_that_ends_before_the_start_leaves_it_to_the_next(
    home: Path, tmp_path: Path, missed: str
):
    add_trigger("morning", "shout", schedule="0 8 * * *", missed=missed, inputs={"text": "a"})
    ends = Firing(full := service_in(tmp_path, at_once=1))
    await ends.look(START)
    place = full.slots.enter()
    await ends.look(START.replace(hour=8, minute=0))
    await asyncio.sleep(0)  # the start has begun
    await ends.end()
    place.leave()
    history = await full.history()
    assert "last" not in told_of(history, "morning")
    following = Firing(service := service_in(tmp_path))
    await following.look(START.replace(hour=9, minute=0))
    await following.settled()
    found = told_of(history, "morning")
    if missed == "say":
        assert await runs_of(service) == []
        assert (found["missed"], found["last"]["run"]) == (1, "")
    else:
        assert await runs_of(service) == ["finished"]
        assert (found["missed"], found["last"]["run"]) == (0, history.runs()[0].id)


async def test_a_server_that_stays_full_leaves_it_unless_a_later_time_is_claimed(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("patchbay.flows.server.triggers.firing._PATIENCE_S", -1)
    add_trigger("often", "shout", schedule="* * * * *", inputs={"text": "a"})
    firing = Firing(service := service_in(tmp_path, at_once=1))
    await firing.look(START)
    place = service.slots.enter()
    due = START + timedelta(minutes=1)
    await firing.look(due)
    await firing.settled()
    history = await service.history()
    assert "last" not in told_of(history, "often"), "it is left"
    claims, key = Claims(history), read_triggers()["often"].key
    assert claims.take(key, "2026-11-29T07:31:00Z", "a run")
    assert claims.take(key, "2026-11-29T07:32:00Z", "another")
    claims.unstarted(key, "2026-11-29T07:31:00Z", again=True)
    assert claims.missed(key) == 1
    place.leave()
    await firing.look(due + timedelta(minutes=2))
    await firing.settled()
    assert await runs_of(service) == ["finished"]


async def test_what_was_missed_for_weeks_is_made_good_once(home: Path, tmp_path: Path):
    # More times than are told ahead at most.
    add_trigger("often", "shout", schedule="* * * * *", missed="run", inputs={"text": "a"})
    firing = Firing(service := service_in(tmp_path))
    await firing.look(START)
    for _ in range(3):
        await firing.look(START + timedelta(minutes=10_500, seconds=30))
        await firing.settled()
    assert await runs_of(service) == ["finished"]
    assert told_of(await service.history(), "often")["missed"] == 10_499


async def test_a_broken_file_changes_nothing(
    home: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    add_trigger("morning", "shout", schedule="0 8 * * *", inputs={"text": "a"})
    firing = Firing(service := service_in(tmp_path))
    await firing.look(START)
    (home / "triggers.toml").write_text("[morning")
    await firing.look(START.replace(hour=8, minute=0))
    await firing.settled()
    assert "go on" in caplog.text
    assert await runs_of(service) == ["finished"]


# --- webhooks -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hooked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("hooked")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATCHBAY_HOME", str(folder / "home"))
        flows = write(folder / "flows", "shout", "words")
        event = flow_of(
            {"in": asks("event", "json"), "out": gives("event")}, ["in.value > out.value"], "Event"
        )
        (flows / "event.json").write_text(canonical_text(event), encoding="utf-8")
        add_trigger("loud", str(flows / "shout.json"))
        add_trigger("raw", "words", input="question")
        add_trigger("event", "event", input="event")
        add_trigger("gone", "nowhere")
        add_trigger("daily", "shout", schedule="@daily")
        with serving(flows) as found:
            yield found


def post(served: Served, name: str, body: bytes, **headers: str) -> Any:
    secret = read_triggers()[name].secret
    given = {**headers_for(secret, body), **headers}
    return served.http.post(
        f"/triggers/{name}", content=body, headers={**given, "authorization": ""}
    )


def outputs(served: Served, run: str) -> Any:
    until(lambda: served.http.get(f"/runs/{run}").json()["status"] == "finished")
    return served.http.get(f"/runs/{run}").json()["outputs"]


def test_a_signed_message_starts_its_flow(hooked: Served):
    answer = post(hooked, "loud", b'{"text": "hey"}')
    assert answer.status_code == 202
    assert outputs(hooked, answer.json()["run"]) == {"answer": "HEY"}


def test_a_body_may_be_one_input(hooked: Served):
    said = post(hooked, "raw", "not JSON: é".encode())
    assert outputs(hooked, said.json()["run"]) == {"answer": "not JSON: é"}
    event = post(hooked, "event", b'{"action": "opened", "n": [1]}')
    assert outputs(hooked, event.json()["run"]) == {"event": {"action": "opened", "n": [1]}}


def test_a_message_that_comes_again_starts_nothing(hooked: Served):
    body = b'{"text": "once"}'
    headers = headers_for(read_triggers()["loud"].secret, body)
    first = hooked.http.post("/triggers/loud", content=body, headers=headers)
    again = hooked.http.post("/triggers/loud", content=body, headers=headers)
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json() == {"trigger": "loud", "run": first.json()["run"], "again": True}


def test_a_message_that_did_not_start_may_come_again(hooked: Served):
    body = b'{"text": "later"}'
    headers = headers_for(read_triggers()["loud"].secret, body)
    until(lambda: not hooked.service.slots.busy)  # runs of before
    places = [hooked.service.slots.enter() for _ in range(8)]
    hooked.service.slots.queue, before = 0, hooked.service.slots.queue
    try:
        busy = hooked.http.post("/triggers/loud", content=body, headers=headers)
    finally:
        hooked.service.slots.queue = before
        for place in places:
            place.leave()
    assert busy.status_code == 429
    assert int(busy.headers["retry-after"]) > 0
    assert hooked.http.post("/triggers/loud", content=body, headers=headers).status_code == 202


@pytest.mark.parametrize(
    "wrong",
    [{SIGNATURE: "v1,AAAA"}, {AT: "1000"}, {ID: "another"}, {SIGNATURE: ""}, {ID: ""}],
)
def test_what_is_not_signed_gets_nothing(hooked: Served, wrong: dict[str, str]):
    answer = post(hooked, "loud", b'{"text": "x"}', **wrong)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "trigger/signature"


@pytest.mark.parametrize("name", ["nobody", "daily", "..%2fflows"])
def test_what_is_no_webhook(hooked: Served, name: str):
    headers = headers_for(read_triggers()["loud"].secret, b"{}")
    answer = hooked.http.post(f"/triggers/{name}", content=b"{}", headers=headers)
    assert answer.status_code in (401, 404)


@pytest.mark.parametrize("name", ["nobody", "daily", "loud"])
def test_what_is_refused_anyway_is_not_read(hooked: Served, name: str):
    """Nobody has shown a key: a body of megabytes would be held for whoever likes to send one."""
    head = f"POST /triggers/{name} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"
    with socket.create_connection((hooked.host, hooked.port), timeout=30) as line:
        line.sendall(head.encode())  # and no body, for which a minute would be waited
        assert line.recv(4096).startswith(b"HTTP/1.1 401 ")


def test_a_key_is_no_signature(hooked: Served):
    assert hooked.http.post("/triggers/loud", content=b'{"text": "x"}').status_code == 401


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [("loud", b"[1]", 400), ("loud", b"{", 400), ("loud", b'{"other": 1}', 400),
     ("raw", b"\xff", 400), ("event", b"no", 400), ("gone", b"{}", 404)],
)  # fmt: skip
def test_a_signed_body_that_does_not_fit(hooked: Served, name: str, body: bytes, status: int):
    answer = post(hooked, name, body)
    assert answer.status_code == status
    assert answer.json()["error"]["code"]


def test_pages_of_others_may_not_send_them(hooked: Served):
    assert post(hooked, "loud", b'{"text": "x"}', origin="http://evil.test").status_code == 403


def test_the_owner_sees_them_and_their_secrets_are_not_told(hooked: Served):
    post(hooked, "loud", b'{"text": "hey"}')
    told = hooked.http.get("/triggers")
    names = {one["name"]: one for one in told.json()["triggers"]}
    assert names["loud"]["last"]["run"]
    assert names["daily"]["next"]
    assert "whsec_" not in told.text
    assert hooked.http.get("/triggers", headers={"authorization": ""}).status_code == 401
