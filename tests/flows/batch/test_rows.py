"""Rows of every source, read one by one, and what is wrong with them said in its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.batch.rows import open_rows
from patchbay.flows.problems import FlowError, Problem
from tests.flows.batch.kit import json_table, table


def cells(source: Path | str, query: str = "") -> list[Any]:
    rows = open_rows(str(source), query)
    found = list(rows.each)
    rows.close()
    assert [number for number, _ in found] == list(range(len(found)))
    return [row for _, row in found]


def test_csv_as_spreadsheets_write_it(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes('\ufeffsep=;\r\nid;text\r\n1;"a; b"\r\n2;"two\r\nlines"\r\n'.encode())
    assert cells(path) == [{"id": "1", "text": "a; b"}, {"id": "2", "text": "two\r\nlines"}]


def test_a_csv_row_that_is_too_long_is_one_problem(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,text\n1,a\n2,b,c\n3,d\n", encoding="utf-8")
    first, second, third = cells(path)
    assert (first["id"], third["id"]) == ("1", "3")
    assert isinstance(second, Problem)
    assert "line 3 has another number of cells (3)" in second.message


def test_json_lines_with_broken_ones(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n\n{"a": \n[1]\n{"a": 2}\n{"a": 3, "a": 4}', encoding="utf-8")
    first, second, third, fourth, fifth = cells(path)
    assert (first, fourth) == ({"a": 1}, {"a": 2})
    assert '"a" stands more than once' in fifth.message
    assert "Line 3 is not JSON" in second.message
    assert "no JSON object" in third.message


def test_a_json_list(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"a": 1}, {"a": 2}]), encoding="utf-8")
    assert cells(path) == [{"a": 1}, {"a": 2}]


def test_parquet_whose_middle_is_damaged(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    path = tmp_path / "a.parquet"
    values = pyarrow.table({"text": [f"a row of some length, number {n}" for n in range(300)]})
    pyarrow.parquet.write_table(
        values, path, row_group_size=100, compression="gzip", use_dictionary=False
    )
    group = pyarrow.parquet.ParquetFile(path).metadata.row_group(1).column(0)
    raw = bytearray(path.read_bytes())
    start = group.data_page_offset + group.total_compressed_size // 2
    raw[start : start + 40] = b"\xff" * 40
    path.write_bytes(raw)
    found = cells(path)
    assert len(found) == 300
    assert [isinstance(row, Problem) for row in found] == [False] * 100 + [True] * 100 + [
        False
    ] * 100
    assert "row group 2" in found[150].message


def test_an_excel_sheet(tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    for row in (["id", "text", None], [1, "a", 2.5], [None, None, None], [2, "b", None]):
        book.active.append(row)  # type: ignore[union-attr]
    book.save(tmp_path / "a.xlsx")
    assert cells(tmp_path / "a.xlsx") == [
        {"id": 1, "text": "a", "column_3": 2.5}, {"id": 2, "text": "b", "column_3": None},
    ]  # fmt: skip


def test_a_folder_of_files(tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "b.txt").write_text("two", encoding="utf-8")
    (tmp_path / "in" / "deep" / "a.txt").write_text("one", encoding="utf-8")
    found = cells(tmp_path / "in")
    assert [row["name"] for row in found] == ["b.txt", "a.txt"]
    assert [row["text"] for row in found] == ["two", "one"]
    assert "text" not in dict(found[0]), "what it holds is not kept"


def test_a_database_by_table_and_by_query(tmp_path: Path) -> None:
    import sqlite3

    with sqlite3.connect(tmp_path / "a.db") as base:
        base.execute('create table "odd name" (id integer, text text)')
        base.executemany('insert into "odd name" values (?, ?)', [(1, "a"), (2, "b")])
    base.close()
    address = f"sqlite:///{tmp_path / 'a.db'}"
    assert cells(f"{address}#odd name") == [{"id": 1, "text": "a"}, {"id": 2, "text": "b"}]
    assert cells(address, 'select text from "odd name" where id = 2') == [{"text": "b"}]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("gone.csv", None, "cannot be read"),
        ("a.csv", b"", "holds no rows"),
        ("a.csv", b"id,id\n1,2\n", "more than one column"),
        ("a.csv", b"id,text\n\xff\xfe,x\n", "not UTF-8"),
        ("a.parquet", b"no parquet", "not Parquet"),
        ("a.xlsx", b"no workbook", "no workbook"),
        ("a.json", b"[1, 2", "not JSON"),
        ("a.exe", b"x", "no form that holds rows"),
    ],
)
def test_what_holds_no_rows(tmp_path: Path, name: str, content: bytes | None, words: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(FlowError, match=words):
        cells(tmp_path / name)


@pytest.mark.parametrize(
    ("address", "query", "words"),
    [
        ("sqlite:///{}/none.db", "", "is not said"),
        ("sqlite:///{}/none.db#gone", "", "none.db cannot be read"),
        ("sqlite:///{}/there.db#gone", "", "refuses"),
        ("nonsense://x", "select 1", "no database"),
    ],
)
def test_what_is_no_database(tmp_path: Path, address: str, query: str, words: str) -> None:
    (tmp_path / "there.db").touch()
    with pytest.raises(FlowError, match=words):
        cells(address.format(tmp_path), query)
    assert not (tmp_path / "none.db").exists(), "SQLite makes a file of a name that is mistyped"


def test_a_row_of_50_mb(tmp_path: Path) -> None:
    path = json_table(tmp_path / "a.jsonl", [{"text": "x" * 50_000_000}, {"text": "y"}])
    assert [len(row["text"]) for row in cells(path)] == [50_000_000, 1]
    assert len(cells(table(tmp_path / "b.csv"))) == 20


def _lines(folder: Path) -> Path:
    path = folder / "a.jsonl"
    path.write_text('{"a": 0}\n\nbroken\n{"a": 2}\n{"a": 3}\n{"a": 4}\n', encoding="utf-8")
    return path


def _csv(folder: Path) -> Path:
    """With an empty line, one that is too long, and a quote that does not end where it should."""
    path = folder / "a.csv"
    path.write_text('a,b\n0,"x\ny"\n\n1,2,3\n"2"x,y\n3,z\n4,z\n', encoding="utf-8")
    return path


def _parquet(folder: Path) -> Path:
    import pyarrow
    import pyarrow.parquet

    values = pyarrow.table({"a": [0, 1, 2, 3, 4]})
    pyarrow.parquet.write_table(values, folder / "a.parquet", row_group_size=2)
    return folder / "a.parquet"


def _excel(folder: Path) -> Path:
    import openpyxl

    book = openpyxl.Workbook()
    for row in (["a"], [0], [None], [1], [2], [3], [4]):
        book.active.append(row)  # type: ignore[union-attr]
    book.save(folder / "a.xlsx")
    return folder / "a.xlsx"


def _folder(folder: Path) -> Path:
    for number in range(5):
        (folder / "in").mkdir(exist_ok=True)
        (folder / "in" / f"{number}.txt").write_text(str(number), encoding="utf-8")
    return folder / "in"


@pytest.mark.parametrize("make", [_lines, _csv, _parquet, _excel, _folder])
@pytest.mark.parametrize("below", [0, 1, 2, 3, 4, 5, 9])
def test_what_is_done_is_passed_over(
    tmp_path: Path, make: Callable[[Path], Path], below: int
) -> None:
    path = make(tmp_path)
    whole = open_rows(str(path))
    every = list(whole.each)
    whole.close()
    assert [number for number, _ in every] == list(range(5))
    rows = open_rows(str(path))
    rows.below = below
    assert list(rows.each) == every[below:]
    rows.close()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('id,text\n1,a\n2,"open\n3,c\n', "lines 3 to 4: unexpected end of data"),
        ('id,text\n1,a\n2,"b"c\n3,d\n', "line 3: ',' expected after"),
        ('id,text\n1,a\n"2"x,b\n3,d\n', "line 3: ',' expected after"),
    ],
)
def test_a_quote_that_does_not_end_is_a_problem_of_its_row(
    tmp_path: Path, text: str, why: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text, encoding="utf-8")
    first, second, *rest = cells(path)
    assert first == {"id": "1", "text": "a"}
    assert isinstance(second, Problem)
    assert why in second.message
    assert rest == ([{"id": "3", "text": "d"}] if "3,d" in text else [])


def test_a_quote_in_the_header_that_does_not_end_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('id,"text\n1,a\n', encoding="utf-8")
    with pytest.raises(FlowError, match="unexpected end of data"):
        cells(path)
