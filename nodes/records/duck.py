"""DuckDB over files and wired records: nothing else can be reached, and nothing be written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from patchbay.nodes.errors import NodeError
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
_DELIMITERS = ",;\t|"


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
            reader = _reader(file, dates)
            columns = self._con.execute(f"DESCRIBE SELECT * FROM {reader}").fetchall()  # noqa: S608
            if reader.startswith("read_csv"):
                reader = _known(file, columns)
            self._con.execute(f'CREATE VIEW "{name}" AS SELECT * FROM {reader}')  # noqa: S608
        except (duckdb.Error, OSError) as error:
            raise _unreadable(file.name, error) from error

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


def _reader(file: Path, dates: bool) -> str:
    """The table function that reads a file, with nothing left to guess that loses rows.

    Left to itself DuckDB 2.0 passes over the header, or all rows, where one row is longer.
    """
    path, ending = _text(str(file)), file.suffix.lower()
    if ending == ".parquet":
        return f"read_parquet({path})"
    if ending in (".json", ".jsonl", ".ndjson"):
        return f"read_json_auto({path})"
    types = "" if dates else f", auto_type_candidates={_NO_DATES}"
    return f"read_csv({path}, {_form(file)}{types})"


def _form(file: Path) -> str:
    """What is said of a CSV file rather than guessed."""
    with file.open(encoding="utf-8-sig", errors="replace") as opened:
        header = opened.readline()
    delimiter = max(_DELIMITERS, key=header.count) if header.strip() else ","
    return f"header=true, skip=0, delim={_text(delimiter)}, quote='\"', escape='\"'"


def _known(file: Path, columns: Sequence[Sequence[Any]]) -> str:
    """The reader of a CSV file whose columns are known, so that no query guesses them again."""
    types = ", ".join(f"{_text(column[0])}: {_text(column[1])}" for column in columns)
    return f"read_csv({_text(str(file))}, {_form(file)}, auto_detect=false, columns={{{types}}})"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _as_text(value: JsonValue) -> str | None:
    from patchbay.nodes.values import as_text

    return None if value is None else as_text(value)


def _unreadable(name: str, error: Exception) -> NodeError:
    said = " ".join(str(error).split())[:300]
    return NodeError(
        f"{name!r} cannot be read as a table: {said}",
        fix="Look at the file, and at its ending.",
        code="sql/unreadable",
        retry=False,
    )
