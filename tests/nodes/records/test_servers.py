"""SQL queries on servers of PostgreSQL and MariaDB: they read, and reach for nothing else.

`make test-databases` starts the servers; without them only the words of a query are looked at.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.records.reading_only import check_reads
from patchbay.nodes.records.sql import SqlQuery
from patchbay.nodes.testing import RecordingContext, run_node

POSTGRES = os.environ.get("PATCHBAY_TEST_POSTGRES", "")
MARIADB = os.environ.get("PATCHBAY_TEST_MARIADB", "")
SERVERS = [
    pytest.param(POSTGRES, id="postgres", marks=pytest.mark.skipif(not POSTGRES, reason="none")),
    pytest.param(MARIADB, id="mariadb", marks=pytest.mark.skipif(not MARIADB, reason="none")),
]
on_postgres = pytest.mark.skipif(not POSTGRES, reason="needs a PostgreSQL server")
on_mariadb = pytest.mark.skipif(not MARIADB, reason="needs a MariaDB server")
ROWS = 5000


@pytest.fixture
def shop(request: pytest.FixtureRequest) -> Iterator[str]:
    """A table of five thousand rows, and a function that writes; nothing of it changes."""
    import sqlalchemy

    url = request.param
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.NullPool)
    postgres = url.startswith("postgres")
    body = "insert into t(id) values (-1); " + ("select 1" if postgres else "return 1;")
    made = [
        "create table t(id int, name varchar(20), at timestamp, price numeric(10, 2))",
        "insert into t select n, concat('n', n), '2026-11-29 12:00:00', n * 1.5 from "
        + (
            f"generate_series(1, {ROWS}) n"
            if postgres
            else f"(select seq n from seq_1_to_{ROWS}) s"
        ),
        f"create function sneaky() returns int language sql as '{body}'"
        if postgres
        else f"create function sneaky() returns int begin {body} end",
    ]
    with engine.begin() as con:
        for statement in made:
            con.execute(sqlalchemy.text(statement))
    yield url
    with engine.begin() as con:
        counted = con.execute(sqlalchemy.text("select count(*), min(id), max(id) from t")).one()
        con.execute(sqlalchemy.text("drop function sneaky" + ("()" if postgres else "")))
        con.execute(sqlalchemy.text("drop table t"))
    assert tuple(counted) == (ROWS, 1, ROWS)


on_both = pytest.mark.parametrize("shop", SERVERS, indirect=True)


def ask(url: str, query: str, ctx: RecordingContext | None = None, **params: Any) -> Any:
    ctx = ctx or RecordingContext()
    ctx.secrets = {"URL": url}
    values = params.pop("values", {})
    given = {"query": query, "url_secret": {"secret": "URL"}, **params}
    return run_node(SqlQuery, given, values, ctx)


@on_both
def test_rows_come_as_json_and_the_schema_is_shown(shop: str):
    found = ask(shop, "select * from t where name = :n", values={"n": "n7"})
    row = {"id": 7, "name": "n7", "at": "2026-11-29T12:00:00", "price": 10.5}
    assert found["rows"] == [row]
    assert found["schema"].lower().startswith("t(id int")


@on_both
def test_limits_of_rows_and_time_hold(shop: str):
    ctx = RecordingContext()
    found = ask(shop, "select id from t order by id", ctx, rows=3)
    assert [row["id"] for row in found["rows"]] == [1, 2, 3]
    assert "first 3 rows" in ctx.warnings[0]
    slow = "pg_sleep(60)" if shop.startswith("postgres") else "sleep(60)"
    with pytest.raises(NodeError, match="longer than") as error:
        ask(shop, f"select {slow}", seconds=0.5)
    assert error.value.code == "sql/limit"


WRITES = [
    "insert into t values (1)", "update t set id = 0", "delete from t", "drop table t",
    "truncate table t", "create table x(a int)", "create temporary table y(a int)",
    "select sneaky()", "with x as (delete from t returning *) select * from x", "commit",
    "select 1; drop table t", "select * from t for update", "call sneaky()", "set @a = 1",
    "lock tables t write", "prepare x from 'drop table t'", "execute immediate 'drop table t'",
    "grant all on t to public", "do sneaky()", "explain analyze insert into t(id) values (-5)",
]  # fmt: skip


@on_both
@pytest.mark.parametrize("query", WRITES)
def test_nothing_is_written(shop: str, query: str):
    with pytest.raises(NodeError) as error:
        ask(shop, query, seconds=60)
    assert error.value.code in ("sql/refused", "sql/query")


REACHES = [
    "select pg_read_file('/etc/hostname')", "select pg_ls_dir('/')",
    "select lo_import('/etc/hostname')", "select lo_from_bytea(77, 'x'), lo_export(77, '{out}')",
    "copy (select 1) to '{out}'", "copy (select 1) to program 'touch {out}'",
    "select pg_reload_conf()", "alter system set work_mem = '64MB'", "set role none",
    "select set_config('role', 'none', false), pg_read_file('/etc/hostname')",
    "select query_to_xml('select set_' || 'config(''role'', ''none'', true)', true, true, '')",
    "select U&\"set\\005fconfig\"('role', 'none', true)",
    "select ts_stat('select set_config(''role'', ''none'', true)')",
]  # fmt: skip


@on_postgres
@pytest.mark.parametrize("shop", SERVERS[:1], indirect=True)
@pytest.mark.parametrize("query", REACHES)
def test_a_superuser_of_postgres_reads_no_file_of_the_server(shop: str, query: str, tmp_path: Path):
    tmp_path.chmod(0o777)
    out = tmp_path / "out"
    with pytest.raises(NodeError) as error:
        ask(shop, query.replace("{out}", str(out)))
    assert error.value.code in ("sql/refused", "sql/query")
    assert not out.exists()


@on_mariadb
@pytest.mark.parametrize("shop", SERVERS[1:], indirect=True)
@pytest.mark.parametrize(
    "query",
    [
        "select 1 into outfile '{out}'", "select 1 into/* x */dumpfile '{out}'",
        "select 1 /*!50000 into outfile '{out}' */", "select 1 /*M! into outfile '{out}' */",
        "select load_file('/etc/hostname')", "set global general_log = 1",
        "set session transaction read write", "flush tables", "kill 1",
        "load data infile '/etc/hostname' into table t", "handler t open",
        "select '\\' into outfile '{out}' -- '",
    ],
)  # fmt: skip
def test_mariadb_reaches_for_no_file_and_sets_nothing(shop: str, query: str, tmp_path: Path):
    for folder in (tmp_path, *list(tmp_path.parents)[:3]):
        folder.chmod(0o777)
    out = tmp_path / "out"
    with pytest.raises(NodeError, match=r"is no query|is not taken") as error:
        ask(shop, query.replace("{out}", str(out)))
    assert error.value.code == "sql/refused"
    assert not out.exists()


@on_mariadb
@pytest.mark.parametrize("shop", SERVERS[1:], indirect=True)
@pytest.mark.parametrize(
    "query", ["show tables", "describe t", "explain select 1", "(select 1)", "/* a */ select 1",
              "-- a\nselect 1", "values (1), (2)", "with x as (select 1) select * from x"]
)  # fmt: skip
def test_what_reads_is_taken(shop: str, query: str):
    assert ask(shop, query)["rows"]


# --- without a server -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    ["select 1 INTO  OUTFILE 'x'", "select 1 into -- a\noutfile 'x'", "select Load_File('x')",
     "select /*! 1 */", "set global x = 1", "", "#select\nset x = 1", "selects"],
)  # fmt: skip
def test_words_that_mysql_would_run_are_refused(statement: str):
    for dialect in ("mysql", "mariadb"):
        with pytest.raises(NodeError) as error:
            check_reads(dialect, statement, lowered=False)
        assert error.value.code == "sql/refused"
        assert error.value.fix


def test_words_that_only_look_so_are_taken():
    for statement in ("select into_outfile from t", "select 'insert into t'", "(((select 1)))"):
        check_reads("mysql", statement, lowered=False)
    check_reads(
        "postgresql", "select set_config from t", lowered=False
    )  # who may do little may ask
    check_reads("sqlite", "pragma table_info(t)", lowered=False)


@pytest.mark.parametrize("dialect", ["mssql", "oracle", "snowflake"])
def test_others_take_queries_only(dialect: str):
    check_reads(dialect, "with x as (select 1) select * from x", lowered=False)
    for statement in ("exec xp_cmdshell 'dir'", "declare @a int", "merge into t using x on 1=1"):
        with pytest.raises(NodeError, match="no query"):
            check_reads(dialect, statement, lowered=False)
