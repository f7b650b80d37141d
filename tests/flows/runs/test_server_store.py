"""A history on a server: its address, and what is different from a file.

What needs a server runs with `make test-postgres` only.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.problems import FlowError
from patchbay.flows.runs import address
from patchbay.flows.runs.events import RunWaiting
from patchbay.flows.runs.history import History
from tests.flows.runs.harness import OUT, flow
from tests.flows.runs.people import answered, recorded_run, told
from tests.stores import SERVER, another, url_of

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
