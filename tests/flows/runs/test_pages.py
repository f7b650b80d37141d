"""Rows that are read out of the pages of a file, beside what SQLite reads of it."""

from __future__ import annotations

import contextlib
import random
import shutil
import sqlite3
from pathlib import Path

import pytest

from patchbay.flows.runs.pages import Pages

WIDE = [0, 1, -1, 127, 128, -129, 2**15, -(2**23), 2**31, -(2**47), 2**63 - 1, -(2**63), 0.5, 1e300]


def values(chance: random.Random) -> tuple[object, ...]:
    long = chance.choice([0, 3, 60, 400, 5_000, 70_000])
    text = "".join(chance.choice("aß€𝄞") for _ in range(long))
    return bytes(chance.randbytes(long)), chance.choice(WIDE), None, float(len(text)), text


def filled(path: Path, page: int, count: int) -> sqlite3.Connection:
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA page_size = {page}")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("CREATE TABLE t (a BLOB, b, c, d REAL, e TEXT)")
    chance = random.Random(page)
    rows = [values(chance) for _ in range(count)]
    db.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?)", rows)
    db.commit()
    return db


def found(path: Path) -> dict[int, list[object]]:
    rows = [row for row in Pages(path).rows() if row is not None]
    return {number: values for number, values in rows if values[0] != "table"}


def kept(db: sqlite3.Connection) -> dict[int, list[object]]:
    return {number: values for number, *values in db.execute("SELECT rowid, * FROM t")}


@pytest.mark.parametrize("page", [512, 1024, 4096, 65_536])
def test_the_rows_of_a_file_are_those_that_sqlite_reads(tmp_path: Path, page: int) -> None:
    path = tmp_path / "rows.sqlite"
    with contextlib.closing(filled(path, page, 80)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert found(path) == kept(db)


@pytest.mark.parametrize("page", [1024, 4096])
def test_what_is_only_in_the_log_counts_and_what_was_not_committed_does_not(
    tmp_path: Path, page: int
) -> None:
    path = tmp_path / "rows.sqlite"
    with contextlib.closing(filled(path, page, 40)) as db:
        db.execute("PRAGMA wal_checkpoint(RESTART)")  # frames of the log's earlier life stay in it
        db.execute("UPDATE t SET b = 'new' WHERE rowid % 3 = 0")
        db.commit()
        there = kept(db)
        db.execute("PRAGMA cache_size = 2")  # so that it goes into the log before its commit
        db.execute("UPDATE t SET b = 'never', a = zeroblob(9000)")
        copy = tmp_path / "copy.sqlite"  # as after the kill of its process
        for ending in ("", "-wal"):
            shutil.copy(f"{path}{ending}", f"{copy}{ending}")
    assert found(copy) == there
    with copy.open("r+b") as file:
        file.write(b"\0" * page)
    assert found(copy) == there, "the log knows the size of a page, too"


def test_a_row_whose_rest_is_lost_is_none(tmp_path: Path) -> None:
    path = tmp_path / "rows.sqlite"
    with contextlib.closing(filled(path, 4096, 80)) as db:
        there = kept(db)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(path.read_bytes())
    flowed = [n for n in range(1, len(data) // 4096) if data[n * 4096] == 0]
    for number in flowed[::5]:
        data[number * 4096 : (number + 1) * 4096] = b"\xff" * 4096
    path.write_bytes(data)
    rows = found(path)
    assert 0 < len(rows) < len(there)
    assert all(rows[number] == there[number] for number in rows)
    assert {number for number in there if len(str(there[number][4])) < 100} <= rows.keys()


@pytest.mark.parametrize(
    "content", [b"", b"x", b"\x0d" * 10_000, bytes(range(256)) * 64, b"SQLite format 3\0" * 900]
)
def test_a_file_of_something_else_gives_no_rows(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rows.sqlite"
    path.write_bytes(content)
    Path(f"{path}-wal").write_bytes(content)
    assert [row for row in Pages(path).rows() if row is not None] == []


def test_any_damage_ends_and_makes_no_rows_of_other_tables(tmp_path: Path) -> None:
    path, chance = tmp_path / "rows.sqlite", random.Random(3)
    with contextlib.closing(filled(path, 1024, 30)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = path.read_bytes()
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(chance.choice([1, 20, 400])):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(data)
        for row in Pages(path).rows():
            assert row is None or isinstance(row[1], list)


def test_a_row_that_goes_round_in_its_pages_is_torn(tmp_path: Path) -> None:
    size, length = 512, 39 + 508 * (1 << 40)
    said = [length >> 7 * n & 127 | (128 if n else 0) for n in reversed(range(8))]
    cell = bytes([*said[next(i for i, one in enumerate(said) if one != 128) :], 1]) + bytes(39)
    leaf = bytes([13, 0, 0, 0, 1, 0, 20, 0, 0, 20]).ljust(20, b"\0") + cell + b"\0\0\0\3"
    first = (b"SQLite format 3\0" + size.to_bytes(2, "big")).ljust(size, b"\0")
    path = tmp_path / "damaged.sqlite"
    path.write_bytes(first + leaf.ljust(size, b"\0") + b"\0\0\0\3".ljust(size, b"\1"))
    assert list(Pages(path).rows()) == [None]
