"""SQL: files, wired records and SQLite, for reading only, within limits."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.records.sql import SqlQuery, names_in
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.values import Document, Table

ORDERS = "id,what,price,section\n1,Honey,6.5,1-2-3\n2,Bread,3,4-5-6\n3,Cheese,12,7-8-9\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "orders.csv").write_text(ORDERS)
    (tmp_path / "secret.csv").write_text("password\nhunter2\n")
    (tmp_path / "more.jsonl").write_text('{"id": 1, "tags": ["a"]}\n{"id": 2, "tags": []}\n')
    con = sqlite3.connect(tmp_path / "shop.db")
    con.executescript(
        "CREATE TABLE orders(id INTEGER, what TEXT); "
        "INSERT INTO orders VALUES (1,'Honey'),(2,'Bread');"
        "CREATE VIEW names AS SELECT what FROM orders;"
    )
    con.close()
    other = sqlite3.connect(tmp_path / "other.db")
    other.executescript("CREATE TABLE private(p TEXT); INSERT INTO private VALUES ('hunter2');")
    other.close()
    return tmp_path


FILES = {
    "tables": [{"name": "orders", "file": "orders.csv"}, {"name": "more", "file": "more.jsonl"}]
}
SHOP = {"url": "sqlite:///shop.db"}


def asked(folder: Path, query: str, ctx: Any = None, wired: Any = None, **params: Any) -> Any:
    values = params.pop("values", {})
    source = {} if wired is not None or "url" in params or "tables" in params else FILES
    ctx = ctx or RecordingContext()
    ctx.folder = folder
    given = {"query": None, "data": wired, **values}
    return run_node(SqlQuery, {"query": query, **source, **params}, given, ctx)


def rows(folder: Path, query: str, **more: Any) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in asked(folder, query, **more)["rows"]]


def test_files_are_tables(folder: Path):
    outputs = asked(folder, "SELECT what, price FROM orders WHERE price > 5 ORDER BY price DESC;")
    assert outputs["table"] == Table(
        columns=("what", "price"), rows=(("Cheese", 12.0), ("Honey", 6.5))
    )
    assert outputs["rows"] == [{"what": "Cheese", "price": 12.0}, {"what": "Honey", "price": 6.5}]
    assert outputs["schema"] == (
        "more(id BIGINT, tags VARCHAR[])\n"
        "orders(id BIGINT, what VARCHAR, price DOUBLE, section VARCHAR)"
    )
    joined = "SELECT what, tags FROM orders JOIN more USING (id) ORDER BY id"
    assert rows(folder, joined) == [
        ("Honey", ["a"]), ("Bread", []),
    ]  # fmt: skip


def test_section_numbers_are_no_dates_unless_told(folder: Path):
    assert rows(folder, "SELECT section FROM orders LIMIT 1") == [("1-2-3",)]
    (folder / "days.csv").write_text("day\n2024-05-02\n")
    days = {"tables": [{"name": "days", "file": "days.csv"}]}
    assert rows(folder, "SELECT typeof(day) FROM days", **days) == [("VARCHAR",)]
    assert rows(folder, "SELECT day FROM days", dates=True, **days) == [("2024-05-02",)]


def test_a_longer_row_is_said_and_no_row_is_lost(folder: Path):
    (folder / "odd.csv").write_text("id,name\n1,Ada\n2,Bo,extra\n")
    odd = {"tables": [{"name": "odd", "file": "odd.csv"}]}
    with pytest.raises(NodeError, match=r"odd\.csv"):
        rows(folder, "SELECT * FROM odd", **odd)


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters(folder: Path, delimiter: str):
    (folder / "t.csv").write_text(ORDERS.replace(",", delimiter))
    assert rows(folder, "SELECT sum(id) FROM t", tables=[{"name": "t", "file": "t.csv"}]) == [(6,)]


def test_values_are_bound_and_never_pasted(folder: Path):
    query = "SELECT id FROM orders WHERE what = :what AND price < :most AND ':no' = ':no' -- :no"
    assert names_in(query) == ["what", "most"]
    assert rows(folder, query, values={"what": "Honey", "most": 7.0}) == [(1,)]
    evil = "x' OR '1'='1"
    assert rows(folder, query, values={"what": evil, "most": 7.0}) == []
    assert rows(folder, "SELECT what FROM orders WHERE id = :n", values={"n": 2}, **SHOP) == [
        ("Bread",)
    ]


def test_a_query_and_records_come_by_wire(folder: Path):
    outputs = run_node(
        SqlQuery,
        {},
        {"query": "```sql\nSELECT avg(a) AS m FROM data;\n```", "data": [{"a": 1}, {"a": 2}]},
        RecordingContext(),
    )
    assert outputs["rows"] == [{"m": 1.5}]
    table = Table(columns=("a", "b"), rows=((1, "x"), ("two", None)))
    assert rows(folder, "SELECT a FROM data ORDER BY a", wired=table) == [("1",), ("two",)]
    documents = [Document(text="one"), Document(text="two")]
    assert rows(folder, "SELECT text FROM data LIMIT 1", wired=documents) == [("one",)]


def test_without_a_query_only_the_schema_is_given(folder: Path):
    assert asked(folder, "", **SHOP) == {
        "schema": "orders(id INTEGER, what TEXT)\nnames(what TEXT)"
    }


WRITES = [
    "INSERT INTO orders VALUES (9, 'x')", "DELETE FROM orders", "DROP TABLE orders",
    "CREATE TABLE t AS SELECT 1", "UPDATE orders SET id = 1",
]  # fmt: skip


@pytest.mark.parametrize("query", WRITES)
def test_nothing_is_changed_in_sqlite(folder: Path, query: str):
    before = (folder / "shop.db").read_bytes()
    with pytest.raises(NodeError) as failure:
        asked(folder, query, **SHOP)
    assert failure.value.code in ("sql/refused", "sql/query")
    assert (folder / "shop.db").read_bytes() == before


@pytest.mark.parametrize(
    "query",
    [
        "ATTACH DATABASE '{folder}/other.db' AS o", "SELECT load_extension('x')",
        "SELECT 1; DROP TABLE orders", "VACUUM INTO '{folder}/copy.db'", "PRAGMA query_only = OFF",
        "PRAGMA temp_store_directory = '/tmp'",
    ],
)  # fmt: skip
def test_sqlite_reaches_no_other_file(folder: Path, query: str):
    names = sorted(path.name for path in folder.iterdir())
    with pytest.raises(NodeError):
        asked(folder, query.format(folder=folder), **SHOP)
    assert sorted(path.name for path in folder.iterdir()) == names


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('{folder}/secret.csv')", "SELECT * FROM '{folder}/secret.csv'",
        "SELECT * FROM read_text('/etc/hostname')", "SELECT * FROM glob('{folder}/*')",
        "COPY orders TO '{folder}/out.csv'",
        "COPY orders TO '{folder}/orders.csv' (USE_TMP_FILE false)",
        "ATTACH '{folder}/shop.db'", "SET enable_external_access = true", "INSTALL httpfs",
        "SELECT * FROM 'http://127.0.0.1:1/x.csv'", "CREATE TABLE t AS SELECT 1",
        "SELECT 1; SELECT 2", "EXPLAIN ANALYZE INSERT INTO orders SELECT * FROM orders",
        "CALL pragma_version()", "EXPORT DATABASE '{folder}/e'",
    ],
)  # fmt: skip
def test_duckdb_reaches_no_other_file_and_writes_none(folder: Path, query: str):
    names = sorted(path.name for path in folder.iterdir())
    with pytest.raises(NodeError) as failure:
        asked(folder, query.format(folder=folder))
    assert failure.value.code == "sql/refused"
    assert "hunter2" not in failure.value.message
    assert sorted(path.name for path in folder.iterdir()) == names
    assert (folder / "orders.csv").read_text() == ORDERS


def test_a_query_cannot_name_variables_of_this_program(folder: Path):
    with pytest.raises(NodeError, match="values"):
        asked(folder, "SELECT * FROM values")


def test_limits_of_rows_and_size_are_said(folder: Path):
    ctx = RecordingContext()
    assert len(rows(folder, "SELECT * FROM range(5000)", ctx=ctx, rows=2000)) == 2000
    assert ctx.warnings == ["There are more rows; the first 2,000 rows are given."]
    ctx = RecordingContext()
    query = "SELECT repeat('x', 60000) AS x FROM range(100)"
    assert len(rows(folder, query, ctx=ctx, megabytes=0.1)) == 1
    assert "100 kB" in ctx.warnings[0]
    ctx = RecordingContext()
    assert len(rows(folder, "SELECT * FROM orders", ctx=ctx, rows=2, **SHOP)) == 2
    assert ctx.warnings == []


@pytest.mark.parametrize("source", ["tables", "url"])
def test_time_is_limited(folder: Path, source: str):
    slow = {
        "tables": "SELECT count(*) FROM range(3000000) a, range(3000000) b WHERE a.range > b.range",
        "url": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT max(i) FROM n",
    }[source]
    with pytest.raises(NodeError, match=r"took longer than 0\.3 s") as failure:
        asked(folder, slow, seconds=0.3, **(SHOP if source == "url" else FILES))
    assert failure.value.code == "sql/limit"


def test_a_run_that_is_stopped_stops_the_query(folder: Path):
    ctx = RecordingContext()
    ctx.cancelled.set()
    with pytest.raises(NodeError, match="the run was stopped"):
        asked(folder, "SELECT count(*) FROM range(3000000) a, range(3000000) b", ctx)


def test_a_wrong_query_is_told_with_what_there_is(folder: Path):
    for params in (FILES, SHOP):
        with pytest.raises(NodeError) as failure:
            asked(folder, "SELECT nothing FROM orders", **params)
        assert failure.value.code == "sql/query"
        assert "nothing" in failure.value.message
        assert "orders(id" in failure.value.fix


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"tables": [{"name": "t", "file": "none.csv"}]}, "no file 'none.csv'"),
        ({"url": "sqlite:///none.db"}, "no file 'none.db'"),
        ({"url": "sqlite://"}, "names a file"),
        ({"url": "nonsense"}, "is none"),
        ({"url": "postgresql+nodriver://h/d"}, "driver"),
        ({"tables": []}, "Nothing is named"),
    ],
)
def test_what_is_not_there_is_said(folder: Path, params: dict[str, Any], words: str):
    with pytest.raises(NodeError, match=words):
        asked(folder, "SELECT 1", **params)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"url": "postgresql://me:pw@h/d"}, "has a password"),
        ({"url": "postgresql://me@h/d?password=pw"}, "has a password"),
        ({"url": "postgresql://me@h/d?sslmode=require&%70assword=pw"}, "has a password"),
        ({"url": "mysql+pymysql://h/d?passwd=pw"}, "has a password"),
        ({"url": "sqlite:///a.db", "tables": [{"name": "t", "file": "a.csv"}]}, "not both"),
        ({"tables": [{"name": "a", "file": "a.csv"}, {"name": "A", "file": "b.csv"}]}, "different"),
        ({"tables": [{"name": "data", "file": "a.csv"}]}, "different"),
        ({"tables": [{"name": "t", "file": "a.exe"}]}, "no table"),
        ({"tables": [{"name": 't"; DROP', "file": "a.csv"}]}, "plain name"),
    ],
)
def test_bad_settings_are_refused_in_words(params: dict[str, Any], words: str):
    with pytest.raises(ValidationError, match=words):
        SqlQuery.Params.model_validate(params)


def test_a_duckdb_file_is_opened_for_reading(folder: Path):
    import duckdb

    with duckdb.connect(str(folder / "d.duckdb")) as con:
        con.execute("CREATE TABLE t AS SELECT 7 AS n")
    url = {"url": "duckdb:///d.duckdb"}
    assert rows(folder, "SELECT n FROM t", **url) == [(7,)]
    with pytest.raises(NodeError):
        asked(folder, "DROP TABLE t", **url)


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("sep=;\na;b\n1;2\n", {"a": 1, "b": 2}),
        ("a,\n1,2\n", {"a": 1, "column_2": 2}),
        ('"a;b;c",d\n1,2\n', {"a;b;c": 1, "d": 2}),
        ('a,"b ""x"""\n1,2\n', {"a": 1, 'b "x"': 2}),
        ("name;price\nx;1,50\n", {"name": "x", "price": "1,50"}),
        ("id,n\n12345678901234567890123,1\n", {"id": "12345678901234567890123", "n": 1}),
        ("id\n1.5\n12345678901234567890\n", {"id": "1.5"}),
    ],
)
def test_csv_is_read_as_all_nodes_read_it(folder: Path, text: str, row: dict[str, Any]):
    (folder / "t.csv").write_text(text)
    outputs = asked(folder, "SELECT * FROM t", tables=[{"name": "t", "file": "t.csv"}])
    assert outputs["rows"][0] == row


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a,b,a\n1,2,3\n", "more than one column 'a'"),
        ("a, a\n1,2\n", "more than one column 'a'"),
        ("a,A\n1,2\n", "no difference between its columns 'a' and 'A'"),
        ("item;price, EUR\nX;1,50\n", "choose the delimiter"),
    ],
)
def test_a_header_that_is_none_is_refused(folder: Path, text: str, why: str):
    (folder / "t.csv").write_text(text)
    with pytest.raises(NodeError, match=why):
        asked(folder, "SELECT * FROM t", tables=[{"name": "t", "file": "t.csv"}])


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("t.csv", "a\nnan\n1\n", "1 cell holds NaN or infinity"),
        ("t.csv", "a\ninf\n-inf\n", "2 cells hold NaN or infinity"),
        ("t.jsonl", '{"a": NaN}\n', "1 cell holds NaN or infinity"),
    ],
)
def test_that_a_number_is_none_is_said(folder: Path, file: str, text: str, said: str):
    (folder / file).write_text(text)
    ctx = RecordingContext()
    found = asked(folder, "SELECT a FROM t", ctx, tables=[{"name": "t", "file": file}])["rows"]
    assert found[0] == {"a": None}
    [warning] = ctx.warnings
    assert said in warning
