"""A damaged history: what can be read of it is kept, what is lost is named."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest

from patchbay.flows.runs.history import History
from patchbay.flows.runs.pruning import prune
from patchbay.flows.runs.running import Run
from tests.flows.runs.harness import OUT, environment, flow

SMALL = flow({"a": ("test.text", {"text": "x" * 3000}), "o": OUT}, ["a.text > o.value"])


def at(path: Path) -> History:
    return History(f"sqlite:///{path}")


async def some_runs(path: Path, count: int) -> list[str]:
    history = at(path)
    ids = []
    for _ in range(count):
        run = Run(SMALL, {}, environment())
        run.add_sink(history.recorder(run.id, SMALL))
        assert [e.type async for e in run.events()][-1] == "run_finished"
        ids.append(run.id)
    history.close()
    return ids


def pages_of(path: Path, table: str) -> tuple[int, list[int]]:
    """The size of a page, and the leaves of a table."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = db.execute("PRAGMA page_size").fetchone()[0]
        root = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        count = db.execute("PRAGMA page_count").fetchone()[0]
    data = path.read_bytes()
    start = (root[0] - 1) * size
    assert data[start] == 5, "an inner page"
    cells = int.from_bytes(data[start + 3 : start + 5], "big")
    at_ = [int.from_bytes(data[start + 12 + 2 * n :][:2], "big") for n in range(cells)]
    leaves = [int.from_bytes(data[start + cell :][:4], "big") for cell in at_]
    assert all(0 < leaf <= count for leaf in leaves)
    return size, leaves


def spoil(path: Path, size: int, pages: list[int]) -> None:
    with path.open("r+b") as file:
        for page in pages:
            file.seek((page - 1) * size)
            file.write(b"\xee" * size)


async def test_runs_beside_a_torn_page_are_kept_and_the_lost_are_named(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    ids = await some_runs(path, 30)
    size, leaves = pages_of(path, "runs")
    spoil(path, size, leaves[1:3])
    history = at(path)
    kept = {past.id for past in history.runs()}  # noticed here, where it is first read
    lost = set(ids) - kept
    assert 0 < len(lost) < 20
    assert f"{len(kept)} runs" in history.notice
    for run in sorted(lost)[:10]:
        assert run in history.notice, "its events tell of it"
    some = next(iter(kept))
    assert history.events(some)[-1]["type"] == "run_finished"
    history.close()


async def test_a_run_that_waited_is_named(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    (run,) = await some_runs(path, 1)
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE runs SET status = 'waiting'")
        db.commit()
    size, _ = 4096, None
    with contextlib.closing(sqlite3.connect(path)) as db:
        roots = dict(db.execute("SELECT name, rootpage FROM sqlite_master WHERE type = 'table'"))
    spoil(path, size, [roots["events"]])
    history = at(path)
    history.events(run)
    assert f"Lost runs that waited for an answer: {run}." in history.notice
    assert "1 run," in history.notice
    history.close()


def roots(path: Path) -> dict[str, int]:
    """The page that leads to the others, by table and index."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return dict(db.execute("SELECT name, rootpage FROM sqlite_master"))


def all_rows(path: Path) -> dict[str, set[tuple[object, ...]]]:
    with contextlib.closing(sqlite3.connect(path)) as db:
        names = ("runs", "events", "steps", "questions", "threads", "turns", "thread_runs", "facts")
        return {name: set(db.execute(f"SELECT * FROM {name}")) for name in names}


@pytest.mark.parametrize("page", ["first", "runs", "events", "threads", "all of these"])
async def test_what_lies_behind_a_destroyed_page_is_found(tmp_path: Path, page: str) -> None:
    path = tmp_path / "history.sqlite"
    ids = await some_runs(path, 30)
    with contextlib.closing(sqlite3.connect(path)) as db:
        for number in range(100):
            talk = (f"t{number}", "A title", "chat", "/flows/chat.json", "ada", 1.5, 2, 1)
            names = "id, title, flow, place, person, created_at, updated_at, turns"
            more = (
                "branch_of, run, process, held_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, '', '', '', 0)"
            )
            db.execute(f"INSERT INTO threads ({names}, {more}", talk)
        db.commit()
    before, places = all_rows(path), {"first": 1, **roots(path)}
    broken = ["first", "runs", "events", "threads"] if page == "all of these" else [page]
    assert all(path.read_bytes()[(places[name] - 1) * 4096] != 13 for name in broken), "no leaf"
    spoil(path, 4096, [places[name] for name in broken])
    history = at(path)
    for table in ("runs", "events", "threads"):
        with contextlib.suppress(Exception):
            history.read(lambda db, t=table: db.execute(history.table(t).select()).fetchall())
    assert "30 runs, 100 threads." in history.notice
    assert "Lost" not in history.notice
    assert "could not" not in history.notice
    assert {past.status for past in history.runs()} == {"finished"}
    assert history.events(ids[0])[-1]["type"] == "run_finished"
    history.close()
    assert all_rows(path) == before


async def test_with_the_first_page_and_others_gone_the_lost_are_named(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    ids = await some_runs(path, 30)
    size, leaves = pages_of(path, "runs")
    spoil(path, size, [1, *leaves[:2]])
    history = at(path)
    kept = {past.id for past in history.runs()}
    lost = set(ids) - kept
    assert 0 < len(lost) < 20
    assert f"What could be read of it is here: {len(kept)} runs, 0 threads." in history.notice
    assert all(run in history.notice for run in sorted(lost)[:10])
    history.close()


async def test_what_was_only_in_the_log_is_found(tmp_path: Path) -> None:
    """The process was killed before SQLite had moved its log into the file."""
    path, left = tmp_path / "history.sqlite", tmp_path / "left" / "history.sqlite"
    left.parent.mkdir()
    (run,) = await some_runs(path, 1)
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.execute("UPDATE runs SET name = 'in the log'")
        db.commit()
        for ending in ("", "-wal"):
            shutil.copy(f"{path}{ending}", f"{left}{ending}")
    spoil(left, 4096, [1])
    history = at(left)
    assert history.get(run).name == "in the log"
    history.close()


@pytest.mark.parametrize("compacted", [True, False])
async def test_what_was_deleted_does_not_come_back(
    tmp_path: Path, compacted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a person, or because it was old; also where the file could not be written anew."""
    path = tmp_path / "history.sqlite"
    ids = await some_runs(path, 12)
    history = at(path)
    # As SQLite is made elsewhere; Debian's overwrites what is deleted without being asked.
    history.store.do(lambda db: db.exec_driver_sql("PRAGMA secure_delete = OFF"), write=True)
    gone = ids[2:9]
    if not compacted:
        monkeypatch.setattr(history.store, "compact", lambda: None)
    history.delete(gone[0])
    then = history.get(ids[9]).started_at
    keep = {"started_at": then + 100}
    runs = history.table("runs")
    for run in ids[:2]:
        query = runs.update().where(runs.c.id == run).values(**keep)
        history.store.do(lambda db, query=query: db.execute(query), write=True)
    assert {past.id for past in prune(history, then).runs} == set(gone[1:])
    history.close()
    for file in (path, Path(f"{path}-wal")):
        held = file.read_bytes() if file.exists() else b""
        assert not [run for run in gone if run.encode() in held]
    spoil(path, 4096, [1])
    again = at(path)
    assert {past.id for past in again.runs()} == set(ids) - set(gone)
    again.close()
