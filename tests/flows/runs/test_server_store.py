"""A history on a server: its address, and what is different from a file.

What needs a server runs with `make test-postgres` only.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.problems import FlowError
from patchbay.flows.runs import address, leases
from patchbay.flows.runs.answers import find, give
from patchbay.flows.runs.events import RunWaiting
from patchbay.flows.runs.history import History
from patchbay.flows.runs.stopping import stop
from tests.flows.runs.harness import OUT, flow
from tests.flows.runs.people import answered, recorded_run, told
from tests.stores import SERVER, a_file, another, change, url_of

on_a_server = pytest.mark.skipif(not SERVER, reason="make test-postgres starts one")


def test_the_address_says_where_the_history_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path))
    monkeypatch.delenv("PATCHBAY_HISTORY", raising=False)
    assert address.history_address() == f"sqlite:///{tmp_path / 'history.sqlite'}"
    elsewhere = tmp_path / "elsewhere.sqlite"
    monkeypatch.setenv("PATCHBAY_HISTORY", f"sqlite:///{elsewhere}")
    History().close()
    assert elsewhere.is_file()
    assert not (tmp_path / "history.sqlite").exists()


@pytest.mark.parametrize("name", ["postgres", "postgresql", "postgresql+psycopg"])
def test_an_address_gets_the_driver_that_we_bring(name: str) -> None:
    url = address.parsed(f"{name}://ada@host/runs")
    assert url.drivername == "postgresql+psycopg"


@pytest.mark.parametrize("text", ["nonsense", "://", "post gres://x"])
def test_an_address_that_is_none_is_said(text: str) -> None:
    with pytest.raises(FlowError) as caught:
        History(text)
    (problem,) = caught.value.problems
    assert problem.code == "history/address"
    assert "PATCHBAY_HISTORY" in problem.fix


def test_a_driver_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(FlowError) as caught:
        History("postgresql://ada:secret@host/runs")
    (problem,) = caught.value.problems
    assert "stores" in problem.fix
    assert "secret" not in f"{problem}"


def test_a_server_that_does_not_answer_is_said_without_its_password(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(FlowError) as caught:
        History(f"postgresql://ada:topsecret@/runs?host={tmp_path}")
    (problem,) = caught.value.problems
    assert problem.code == "history/unwritable"
    assert "PATCHBAY_HISTORY" in problem.fix
    assert "topsecret" not in f"{problem}"


@on_a_server
def test_of_many_that_make_the_tables_at_once_none_fails(tmp_path: Path) -> None:
    url, failed = url_of(tmp_path / "many"), []

    def opens() -> None:
        try:
            History(url).close()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=opens) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


async def test_an_answer_beside_the_fall_asleep_wakes_the_run(tmp_path: Path) -> None:
    """On a server the two are transactions at once: neither may miss the other."""
    history = History(url_of(tmp_path / "history.sqlite"))
    for _ in range(10):
        run = recorded_run(history, flow({"a": "test.ask", "o": OUT}, ["a.text > o.value"]))
        desk: Any = run._env.desk
        sleep, other = desk.sleep, another(history)
        given: list[Any] = []

        def slept(event: RunWaiting, run: Any = run, sleep: Any = sleep, given: Any = given,
                  other: Any = other) -> bool:  # fmt: skip
            if given:
                return bool(sleep(event))
            thread = threading.Thread(
                target=lambda: given.append(answered(other, run.id, True) is not None)
            )
            thread.start()
            ended = bool(sleep(event))
            thread.join()
            return ended

        desk.sleep = slept
        last = (await told(run))[-1]
        (mine,) = given
        assert mine == last.startswith("waiting"), (mine, last)
        other.close()
    history.close()
    await asyncio.sleep(0)


ASKS = flow({"a": "test.ask", "o": OUT}, ["a.text > o.value"])
ELSEWHERE = "another-host/17/1.00"


def moved(history: History, run: str, *, seen_s: float | None) -> None:
    """Make it a run of another host, which has said so many seconds ago that it lives."""
    change(history, "update runs set process = ?, status = 'running' where id = ?", ELSEWHERE, run)
    change(history, "delete from leases where process = ?", ELSEWHERE)
    if seen_s is not None:
        change(history, "insert into leases values (?, ?)", ELSEWHERE, time.time() - seen_s)


@pytest.mark.parametrize(("seen_s", "lives"), [(1, True), (170, True), (200, False), (None, False)])
async def test_a_process_of_another_host_lives_as_long_as_it_says_so(
    tmp_path: Path, seen_s: float | None, lives: bool
) -> None:
    history = History(url_of(tmp_path / "history.sqlite"))
    run = recorded_run(history, ASKS)
    assert (await told(run))[-1].startswith("waiting")
    moved(history, run.id, seen_s=seen_s)
    assert history.get(run.id).status == ("running" if lives else "interrupted")
    assert (history.claim(run.id) is None) == lives
    moved(history, run.id, seen_s=seen_s)
    assert stop(history, run.id, wait_s=0) != lives
    history.close()


async def test_who_answers_a_run_of_a_host_that_is_gone_goes_on_with_it(tmp_path: Path) -> None:
    history = History(url_of(tmp_path / "history.sqlite"))
    for seen_s, mine in ((1, False), (1000, True)):
        run = recorded_run(history, ASKS)
        assert (await told(run))[-1].startswith("waiting")
        moved(history, run.id, seen_s=seen_s)
        assert give(history, find(history, run.id), True) == mine
    history.close()


async def test_a_process_that_was_taken_for_gone_stops_and_changes_nothing(tmp_path: Path) -> None:
    history = History(url_of(tmp_path / "history.sqlite"))
    run = recorded_run(history, flow({"h": "test.hang", "o": OUT}, ["h.text > o.value"]))
    async for event in run.events():
        if event.type == "node_started":
            moved(history, run.id, seen_s=1)
    assert event.type == "run_cancelled"
    assert history.get(run.id).status == "running", "it is another's"
    history.close()


def test_a_lease_is_renewed_and_ends_with_its_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "AGAIN_S", 0)
    history = History(url_of(tmp_path / "history.sqlite"))
    other = another(history)
    history.leases.renew()
    assert change(other, "select * from leases") == [], "it has no runs"
    history.store.do(history.leases.take, write=True)
    ((_, first),) = change(other, "select * from leases")
    history.leases.renew()
    ((process, second),) = change(other, "select * from leases")
    assert process == leases.this_process()
    assert second > first
    history.close()
    assert change(other, "select * from leases") == []
    other.close()


def test_two_threads_may_take_the_first_lease_at_once(tmp_path: Path) -> None:
    """Both in a transaction of their own, each of which has seen no lease."""
    history = History(url_of(tmp_path / "history.sqlite"))
    sides = [history, another(history), another(history), another(history)]
    together, failed = threading.Barrier(len(sides)), []

    def first(side: History) -> None:
        together.wait()
        try:
            side.store.do(side.leases.take, write=True)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=first, args=(side,)) for side in sides]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(change(history, "select * from leases")) == 1
    for side in sides:
        side.close()


@a_file
def test_a_lease_is_said_once_for_many_runs_and_anew_in_a_new_file(tmp_path: Path) -> None:
    history = History(f"sqlite:///{tmp_path / 'history.sqlite'}")
    history.store.do(history.leases.take, write=True)
    change(history, "update leases set seen_at = 1")
    history.store.do(history.leases.take, write=True)
    assert change(history, "select seen_at from leases") == [(1.0,)]
    history.store.generation += 1  # as where a damaged file was moved aside
    change(history, "delete from leases")
    history.store.do(history.leases.take, write=True)
    assert len(change(history, "select * from leases")) == 1
    change(history, "insert into leases values ('gone/1/1.00', 1)")
    history.close()
    again = History(f"sqlite:///{tmp_path / 'history.sqlite'}")
    assert change(again, "select * from leases") == [], "its own, and what is old"
    again.close()


RENAMED = """
import socket, sys
socket.gethostname = lambda: "as-it-was"
from patchbay.flows.runs.history import History
from tests.flows.runs.harness import OUT, flow
history = History(sys.argv[1])
history.announce("r", flow({"t": "test.text", "o": OUT}, ["t.text > o.value"]), None, {})
print("has it", flush=True)
sys.stdin.read()
"""


def test_a_process_under_another_host_name_keeps_its_run(tmp_path: Path) -> None:
    """A container beside this one that shares the file; it does not end in good order."""
    url = url_of(tmp_path / "history.sqlite")
    history = History(url)
    command = [sys.executable, "-c", RENAMED, url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"has it\n"
        assert history.get("r").status == "running"
        assert history.claim("r") is None
        other.kill()
    assert history.get("r").status == "running", "its lease counts for a while"
    change(history, "update leases set seen_at = ?", time.time() - leases.COUNTS_S - 1)
    assert history.get("r").status == "interrupted"
    assert history.claim("r") is not None
    history.close()


def test_a_machine_that_gets_another_name_in_the_midst_of_a_run_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = History(url_of(tmp_path / "history.sqlite"))
    history.announce("r", flow({"t": "test.text", "o": OUT}, ["t.text > o.value"]), None, {})
    monkeypatch.setattr(socket, "gethostname", lambda: "renamed")
    assert leases.is_alive(leases.this_process())
    history.leases.end()  # what follows is not by the lease
    assert history.get("r").status == "running"
    assert history.claim("r") is None
    gone = leases.this_process().rsplit("/", 2)[0] + "/999999999/0.00"
    assert not leases.is_alive(gone)
    change(history, "update runs set process = ?", gone)
    assert history.get("r").status == "interrupted", "of its own host it knows"
    history.close()


@a_file
@pytest.mark.parametrize(("age_s", "lives"), [(1, True), (200, False)])
def test_a_file_is_of_one_host_so_what_others_left_is_gone(
    tmp_path: Path, age_s: float, lives: bool
) -> None:
    """Such as a container that was started anew under another name."""
    file = tmp_path / "history.sqlite"
    history = History(f"sqlite:///{file}")
    history.announce("r", flow({"t": "test.text", "o": OUT}, ["t.text > o.value"]), None, {})
    change(history, "update runs set process = ?", ELSEWHERE)
    assert history.get("r").status == "interrupted", "the stamp is ours"
    stamp = {"machine": "m", "host": "another-host", "process": 17, "at": time.time() - age_s}
    (tmp_path / "history.sqlite.host").write_text(json.dumps(stamp), encoding="utf-8")
    assert history.get("r").status == ("running" if lives else "interrupted")
    history.close()
