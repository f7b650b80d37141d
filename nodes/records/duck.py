"""DuckDB over files and wired records: nothing else can be reached, and nothing be written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from patchbay.nodes.errors import NodeError
from patchbay.nodes.io.csv_table import BadTable, stream_table
from patchbay.nodes.records.sql_answer import failed, refused
from patchbay.nodes.records.sql_params import DATA
from patchbay.nodes.records.sql_source import VALUE, FetchRows, SqlSource

_MEMORY = "2GB"
_LOCKED = (
    "SET python_enable_replacements=false",  # else a query could name this program's variables
    "SET autoinstall_known_extensions=false",
    "SET autoload_known_extensions=false",
    "SET enable_external_access=false",
    "SET lock_configuration=true",
)
_NO_DATES = "['BOOLEAN', 'BIGINT', 'DOUBLE', 'VARCHAR']"
_LONG = r"\s*[+-]?[0-9]{17,}\s*"
"""Whole numbers that a float, which is what DuckDB makes of them, need not hold."""


class DuckTables(SqlSource[Any]):
    """A DuckDB that knows some files as tables, and lets queries read them and nothing else.

    Outside access is switched off but for these very files, and the configuration is locked, before
    any query is looked at; of statements only those that DuckDB itself calls SELECT or EXPLAIN are
    run.

    Args:
        files: table → file.
        database: a DuckDB file, opened for reading only; None for files alone.
        records: rows of a table that was wired in.
        dates: whether what looks like a date in CSV is read as one.

    Raises:
        NodeError: a file is not there, or not what its ending says.
    """

    def __init__(
        self,
        files: Mapping[str, Path],
        database: Path | None = None,
        records: Sequence[Mapping[str, JsonValue]] | None = None,
        *,
        dates: bool = False,
    ) -> None:
        import duckdb

        where = ":memory:" if database is None else str(database)
        try:
            self._base = duckdb.connect(where, read_only=database is not None)
        except duckdb.Error as error:
            raise _unreadable(where, error) from error
        self._con = self._base
        self._con.execute(f"SET memory_limit='{_MEMORY}'")
        self._con.execute("SET temp_directory=''")  # nothing is written, no overflow either
        for name, file in files.items():
            self._add_file(name, file, dates)
        if records is not None:
            self._add_records(records)
        paths = ", ".join(_text(str(file)) for file in files.values())
        self._con.execute(f"SET allowed_paths=[{paths}]")
        for setting in _LOCKED:
            self._con.execute(setting)

    def _add_file(self, name: str, file: Path, dates: bool) -> None:
        import duckdb

        try:
            # The name is a plain word, and the path is quoted: neither comes from a query.
            reader = self._csv(file, dates) if _is_csv(file) else _reader(file)
            self._con.execute(f'CREATE VIEW "{name}" AS SELECT * FROM {reader}')  # noqa: S608
        except (duckdb.Error, OSError, BadTable) as error:
            raise _unreadable(file.name, error) from error

    def _csv(self, file: Path, dates: bool) -> str:
        """The reader of a CSV file, whose columns no query guesses again."""
        form, names = _form(file)
        path = _text(str(file))
        types = "" if dates else f", auto_type_candidates={_NO_DATES}"
        guessed = f"DESCRIBE SELECT * FROM read_csv({path}, {form}{types})"  # noqa: S608
        kinds = [column[1] for column in self._con.execute(guessed).fetchall()]
        if len(kinds) != len(names):
            raise BadTable(f"its header has {len(names)} columns, its rows have {len(kinds)}")
        texts = self._too_long(path, form, names, kinds)
        columns = ", ".join(
            f"{_text(name)}: {_text('VARCHAR' if name in texts else kind)}"
            for name, kind in zip(names, kinds, strict=True)
        )
        return f"read_csv({path}, {form}, auto_detect=false, columns={{{columns}}})"

    def _too_long(
        self, path: str, form: str, names: Sequence[str], kinds: Sequence[str]
    ) -> set[str]:
        """Columns of whole numbers that no number of 64 bits holds: the last digits would go."""
        broken = [name for name, kind in zip(names, kinds, strict=True) if kind == "DOUBLE"]
        if not broken:
            return set()
        columns = ", ".join(f"{_text(name)}: 'VARCHAR'" for name in names)
        looks = ", ".join(f"bool_or(regexp_full_match({_name(n)}, '{_LONG}'))" for n in broken)
        asked = f"SELECT {looks} FROM read_csv({path}, {form}, auto_detect=false, columns={{{columns}}})"  # noqa: S608, E501
        found = self._con.execute(asked).fetchone() or ()
        return {name for name, long in zip(broken, found, strict=True) if long}

    def _add_records(self, records: Sequence[Mapping[str, JsonValue]]) -> None:
        import pyarrow

        try:
            table = pyarrow.Table.from_pylist([dict(record) for record in records])
        except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, TypeError, OverflowError):
            # columns of mixed types: as text, which every query can cast
            texts = [{k: _as_text(v) for k, v in record.items()} for record in records]
            table = pyarrow.Table.from_pylist(texts)
        if not table.column_names:
            raise NodeError(
                "The records that are wired in have no fields.",
                fix="Wire a table, or a JSON list of objects.",
                port=DATA,
                code="sql/unreadable",
                retry=False,
            )
        self._con.register("wired", table)
        self._con.execute(f"CREATE TABLE {DATA} AS SELECT * FROM wired")  # noqa: S608
        self._con.unregister("wired")

    def schema(self) -> str:
        """The tables with their columns and types, a line for each."""
        found = self._con.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns "
            "ORDER BY table_name, ordinal_position LIMIT 2000"
        ).fetchall()
        tables: dict[str, list[str]] = {}
        for table, column, kind in found:
            tables.setdefault(table, []).append(f"{column} {kind}")
        return "\n".join(f"{table}({', '.join(columns)})" for table, columns in tables.items())

    def _checked(self, query: str, values: Mapping[str, Any]) -> Any:
        import duckdb

        named = VALUE.sub(lambda found: f"${found[1]}" if found[1] in values else found[0], query)
        try:
            statements = duckdb.extract_statements(named)
        except duckdb.Error as error:
            raise failed(error, self.schema()) from error
        _only_reads(statements)
        return statements[0]

    def _executed(
        self, statement: Any, values: Mapping[str, Any]
    ) -> tuple[Sequence[str], FetchRows]:
        named = {name: values[name] for name in statement.named_parameters if name in values}
        result = self._con.execute(statement, named or None)
        return [column[0] for column in result.description or []], result.fetchmany

    def _interrupt(self) -> None:
        self._con.interrupt()

    def _in_words(self, error: Exception) -> Exception:
        import duckdb

        if isinstance(error, duckdb.PermissionException):
            return refused(
                f"The query reaches for something outside: {' '.join(str(error).split())[:200]}",
                "Ask the tables that there are; declare another file in `tables`.",
            )
        known = isinstance(error, (duckdb.Error, RuntimeError))
        return failed(error, self.schema()) if known else error

    def close(self) -> None:
        """Let go of it."""
        self._base.close()


def _only_reads(statements: Sequence[Any]) -> None:
    if len(statements) != 1:
        raise refused(f"The query holds {len(statements)} statements.", "Write one.")
    kind = statements[0].type.name
    explains = kind == "EXPLAIN" and "analyze" not in statements[0].query.lower()
    if kind != "SELECT" and not explains:
        raise refused(
            f"The query is {kind}, which does more than read.",
            "Write a SELECT; nothing is changed.",
        )


def _is_csv(file: Path) -> bool:
    return file.suffix.lower() not in (".parquet", ".json", ".jsonl", ".ndjson")


def _reader(file: Path) -> str:
    """The table function that reads a file which is no CSV."""
    reader = "read_parquet" if file.suffix.lower() == ".parquet" else "read_json_auto"
    return f"{reader}({_text(str(file))})"


def _form(file: Path) -> tuple[str, list[str]]:
    """What is said of a CSV file rather than guessed, and the names of its columns.

    The header is read as all nodes read it. Left to itself DuckDB 2.0 passes over the header, or
    all rows, where one row is longer, and calls a second column "a" by another name.

    Raises:
        BadTable: two columns have one name, which in SQL is also "a" and "A", or it has no header.
    """
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as opened:
        table = stream_table(opened)
    seen: dict[str, str] = {}
    for name in table.columns:
        if (other := seen.setdefault(name.casefold(), name)) is not name:
            raise BadTable(f"SQL knows no difference between its columns {other!r} and {name!r}")
    sign = _text(table.sign)
    form = f"header=true, skip={table.lines_above}, delim={sign}, quote='\"', escape='\"'"
    return form, table.columns


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _as_text(value: JsonValue) -> str | None:
    from patchbay.nodes.values import as_text

    return None if value is None else as_text(value)


def _unreadable(name: str, error: Exception) -> NodeError:
    said = " ".join(str(error).split())[:300]
    fix = "Look at the file, and at its ending."
    if "choose the delimiter" in said:
        fix = "Say which in a first line of its own, such as sep=; (as Excel does)."
    return NodeError(
        f"{name!r} cannot be read as a table: {said}",
        fix=fix,
        code="sql/unreadable",
        retry=False,
    )
