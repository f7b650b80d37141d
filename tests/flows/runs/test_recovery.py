"""A damaged history: what can be read of it is kept, what is lost is named."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from patchbay.flows.runs.history import History
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
