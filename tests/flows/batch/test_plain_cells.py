"""No cell of any source ends a batch: it is made plain, or is the problem of its row."""

from __future__ import annotations

import datetime
import decimal
import json
import math
import sqlite3
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.batch.plain_cells import plain_cell, plain_cells
from patchbay.flows.batch.work import _json, _writable
from patchbay.flows.problems import Problem
from tests.flows.batch.kit import lines_of, over, picky, shouting

DAY = datetime.date(2026, 11, 29)


class Odd:
    def __str__(self) -> str:
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (math.nan, None),
        (-math.inf, None),
        (2.5, 2.5),
        (DAY, "2026-11-29"),
        (datetime.datetime(2026, 11, 29, 5, 6, tzinfo=datetime.UTC), "2026-11-29T05:06:00+00:00"),
        (datetime.time(5, 6), "05:06:00"),
        (datetime.timedelta(minutes=1.5), 90.0),
        (b"\x00\xff", "AP8="),
        (memoryview(b"a"), "YQ=="),
        (decimal.Decimal("12.50"), 12.5),
        (decimal.Decimal("0.1234567890123456789"), "0.1234567890123456789"),
        (decimal.Decimal("1e999"), "1E+999"),
        (decimal.Decimal("NaN"), None),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ({DAY: [math.nan, (b"a",)]}, {"2026-11-29": [None, ["YQ=="]]}),
        (Odd(), "<Odd>"),
    ],
)
def test_a_cell_is_made_plain(value: Any, plain: Any) -> None:
    assert plain_cell(value) == plain
    assert json.loads(_json(plain)) == plain
    assert json.loads(_json(_writable({"x": value})))["x"] == plain


def test_a_cell_that_is_nested_too_deeply() -> None:
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    assert isinstance(plain_cells({"x": deep}), Problem)
    assert _writable({"x": deep}) == {"x": "<list>"}
    assert _writable({"x": ["y" * 20_000]})["x"].endswith("y…")


def parquet(folder: Path) -> str:
    import pyarrow
    import pyarrow.parquet

    far = pyarrow.array([0, 4_000_000], pyarrow.int32()).cast(pyarrow.date32())
    columns = {
        "n": [math.nan, 1.5], "day": [DAY, None], "raw": [b"a", b"\xff"],
        "price": pyarrow.array([decimal.Decimal("12.50"), None]), "far": far,
        "review": ["good", "bad"],
    }  # fmt: skip
    pyarrow.parquet.write_table(pyarrow.table(columns), folder / "a.parquet")
    return str(folder / "a.parquet")


def json_lines(folder: Path) -> str:
    text = '{"n": NaN, "review": "good"}\n{"n": 1e999, "review": "no"}\n'
    (folder / "a.jsonl").write_text(text, encoding="utf-8")
    return str(folder / "a.jsonl")


def json_list(folder: Path) -> str:
    (folder / "a.json").write_text(
        '[{"n": -Infinity, "review": "good"}, {"n": 1, "review": "no"}]', encoding="utf-8"
    )
    return str(folder / "a.json")


def database(folder: Path) -> str:
    with sqlite3.connect(folder / "a.db") as base:
        base.execute("create table t (n blob, review text)")
        base.executemany("insert into t values (?, ?)", [(b"\xff", "good"), (b"\x00", "no")])
    base.close()
    return f"sqlite:///{folder / 'a.db'}#t"


def excel(folder: Path) -> str:
    import openpyxl

    book = openpyxl.Workbook()
    for row in (["n", "day", "review"], [datetime.timedelta(hours=30), DAY, "good"], [1, 2, "no"]):
        book.active.append(row)  # type: ignore[union-attr]
    book.save(folder / "a.xlsx")
    return str(folder / "a.xlsx")


@pytest.mark.parametrize("make", [parquet, json_lines, json_list, database, excel])
async def test_a_batch_goes_over_every_cell(tmp_path: Path, make: Callable[[Path], str]) -> None:
    result = await over(picky(), make(tmp_path), tmp_path / "o.jsonl")
    assert (result.rows, result.failed, result.stopped) == (1, 1, None)
    assert result.failures is not None
    first, failed = lines_of(result.output)[0], lines_of(result.failures)[0]
    assert first["label"] == "good"
    expected = {
        "parquet": (None, {}), "json_lines": (None, {"n": None, "review": "no"}),
        "json_list": (None, {"n": 1, "review": "no"}),
        "database": ("/w==", {"n": "AA==", "review": "no"}),
        "excel": (first["n"], {"n": 1, "day": 2, "review": "no"}),
    }[make.__name__]  # fmt: skip
    assert (first["n"], failed["cells"]) == expected
    if make is parquet:
        assert (first["day"], first["raw"], first["price"]) == ("2026-11-29", "YQ==", 12.5)
        assert "cannot be read" in failed["message"]
    if make is excel:
        assert first["day"].startswith("2026-11-29")


async def test_a_text_that_is_no_whole_character(tmp_path: Path) -> None:
    rows = tmp_path / "a.jsonl"
    rows.write_text('{"review": "\\ud800", "n": 1}\n{"review": "b"}\n', encoding="utf-8")
    result = await over(shouting(), rows, tmp_path / "o.jsonl")
    assert result.rows + result.failed == 2
