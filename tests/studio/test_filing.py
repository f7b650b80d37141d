"""Folders and tags of flows, what was chosen on the pages, and when flows ran last."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from patchbay.flows.document.model import Flow
from patchbay.flows.runs.answers import recorded
from patchbay.flows.runs.history import History
from patchbay.flows.runs.moving import move_place
from patchbay.flows.runs.running import LoadedFlow, Run
from patchbay.studio.documents.choices import Choices
from patchbay.studio.documents.filing import FILE, Filed, Filing
from patchbay.studio.server.last_runs import LastRuns, last_runs
from tests.flows.runs.harness import OUT, environment, flow


def test_flows_are_filed_and_go_along_when_their_files_do(tmp_path: Path) -> None:
    shelf = Filing(tmp_path)
    assert shelf.of("ask") == Filed()
    shelf.put("ask", "  Week   one ", ["#draft", "draft", " ", "own data"])
    shelf.opened("ask", 5.0)
    shelf.opened("chat", 9.0)
    again = Filing(tmp_path)
    assert again.of("ask") == Filed("Week one", ("draft", "own data"), 5.0)
    assert again.folders(["ask", "chat"]) == ["Week one"]
    assert again.tags(["ask"]) == ["draft", "own data"]
    assert again.tags(["chat"]) == []
    assert again.latest(["ask", "chat", "new"], 5) == ["chat", "ask"]
    again.move("ask", "asked")
    assert shelf.of("asked").folder == "Week one"
    assert shelf.of("ask") == Filed()
    assert shelf.forget("asked").tags == ("draft", "own data")
    assert shelf.of("asked") == Filed()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": 3}', '{"a": {"opened": "never"}}'])
def test_a_filing_that_cannot_be_read_is_moved_aside(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text, "utf-8")
    shelf = Filing(tmp_path)
    assert shelf.of("a") == Filed()
    assert (tmp_path / f"{FILE}.broken").read_text("utf-8") == text
    shelf.put("a", "There", [])
    assert Filing(tmp_path).of("a").folder == "There"


def test_two_writes_of_one_length_at_one_moment_are_told_apart(tmp_path: Path) -> None:
    here, other = Filing(tmp_path), Filing(tmp_path)
    here.put("a", "One", [])
    at = (tmp_path / FILE).stat().st_mtime_ns
    assert here.of("a").folder == "One"
    other.put("a", "Two", [])
    os.utime(tmp_path / FILE, ns=(at, at))
    here.put("b", "", [])
    assert Filing(tmp_path).of("a").folder == "Two", "what another tab has filed is not undone"


def test_a_broken_filing_that_cannot_be_moved_counts_as_empty(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{", "utf-8")
    (tmp_path / f"{FILE}.broken").mkdir()
    shelf = Filing(tmp_path)
    assert shelf.of("a") == Filed()
    assert shelf.folders(["a"]) == []


def test_the_filing_is_no_flow(tmp_path: Path) -> None:
    Filing(tmp_path).put("a", "There", [])
    assert list(tmp_path.glob("*.json")) == []


def test_choices_outlive_a_visit_and_a_broken_file_is_none(tmp_path: Path) -> None:
    path = tmp_path / "home" / "choices.json"
    Choices(path).put("sort flows", "Name")
    Choices(path).put("steps", "left")
    assert Choices(path).get("sort flows", "Changed") == "Name"
    assert Choices(path).get("steps") == "left"
    path.write_text("[", "utf-8")
    assert Choices(path).get("steps", "shown") == "shown"
    (tmp_path / "file").write_text("")
    Choices(tmp_path / "file" / "choices.json").put("steps", "left")  # forgets it, no more


def test_when_a_flow_ran_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PATCHBAY_HISTORY", raising=False)
    folder = tmp_path / "flows"
    assert not last_runs(tmp_path, folder)
    history = History(f"sqlite:///{tmp_path / 'history.sqlite'}")
    for number, name in enumerate(["One", "Two", "One"]):
        history.announce(f"r{number}", Flow(name=name), folder, {})
    history.announce("elsewhere", Flow(name="One"), tmp_path, {})
    history.close()
    with sqlite3.connect(tmp_path / "history.sqlite") as db:
        for number in range(3):
            db.execute(
                "update runs set started_at = ? where id = ?", (100.0 + number, f"r{number}")
            )
    assert last_runs(tmp_path, folder) == LastRuns({}, {"One": 102.0, "Two": 101.0})
    (tmp_path / "history.sqlite").write_bytes(b"no database")
    assert not last_runs(tmp_path, folder)


async def test_two_flows_of_one_name_have_each_their_own_last_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PATCHBAY_HISTORY", raising=False)
    folder = tmp_path / "flows"
    folder.mkdir()
    document = flow({"v": ("io.value", {"value": "x"}), "o": OUT}, ["v.value > o.value"])
    one, two, third = (folder / f"{name}.json" for name in ("one", "two", "third"))
    history = History(f"sqlite:///{tmp_path / 'history.sqlite'}")
    for file in (one, two, None):  # None: a run of before files were kept
        env = recorded(environment(), history, f"r{file and file.stem}", document, folder, (), file)
        run = Run(LoadedFlow(document, folder, file), {}, env, run_id=f"r{file and file.stem}")
        assert [event.type async for event in run.events()][-1] == "run_finished"
    move_place(history, two, third)
    history.close()
    with sqlite3.connect(tmp_path / "history.sqlite") as db:
        for at, name in ((5.0, "rone"), (6.0, "rtwo"), (7.0, "rNone")):
            db.execute("update runs set started_at = ? where id = ?", (at, name))
    found, name = last_runs(tmp_path, folder), document.name
    assert found.of({one: name, third: name, two: name}) == {one: 5.0, third: 6.0}
    assert found.of({two: name}) == {two: 7.0}, "alone it can only be that one's"
    with sqlite3.connect(tmp_path / "history.sqlite") as db:
        db.execute("drop table run_origins")
    assert last_runs(tmp_path, folder).of({one: name}) == {one: 7.0}, "an older history"
