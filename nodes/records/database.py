"""A database behind SQLAlchemy, asked for reading only by its own means."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchbay.nodes.errors import NodeError
from patchbay.nodes.home import from_flow
from patchbay.nodes.records.reading_only import begin_reading, check_reads
from patchbay.nodes.records.sql_answer import SqlAnswer, failed, refused
from patchbay.nodes.records.sql_source import FetchRows, SqlSource

if TYPE_CHECKING:
    from sqlalchemy import TextClause
    from sqlalchemy.engine import URL, Engine

MAX_TABLES = 200


class Database(SqlSource["TextClause"]):
    """A connection that reads. Whatever a query does is rolled back, and most cannot do anything.

    SQLite: the file is opened for reading only, and no second file can be attached. PostgreSQL and
    MySQL: the transaction is one that reads, and see `reading_only`. Others: what was done is
    rolled back, so give them a user who may read only.

    Raises:
        NodeError: the address is wrong, a driver is missing, or nothing answers.
    """

    def __init__(self, url: str, folder: Path | None) -> None:
        import sqlalchemy
        from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

        try:
            parsed = sqlalchemy.make_url(url)
            self._engine = _engine(parsed, folder)
            self._con = self._engine.connect()
            self._begin()
        except (ModuleNotFoundError, NoSuchModuleError) as error:
            words = f"The driver of {parsed.drivername} is not installed: {error}."
            raise _unreachable(words, error, "pip install it into this environment.") from error
        except ArgumentError as error:
            raise _unreachable("The address of the database is none.", error) from error
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise _unreachable(f"The database cannot be opened: {_said(error)}", error) from error

    def _begin(self) -> None:
        """Each transaction is told anew that it reads: what was said ends with the last one."""
        if not self._con.in_transaction():
            self._lowered = begin_reading(self._con)

    def schema(self) -> str:
        """The tables with their columns and types, a line for each."""
        from sqlalchemy import inspect
        from sqlalchemy.exc import SQLAlchemyError

        try:
            self._begin()
            look = inspect(self._con)
            names = [*look.get_table_names(), *look.get_view_names()][:MAX_TABLES]
            lines = [
                f"{name}({', '.join(_column(column) for column in look.get_columns(name))})"
                for name in names
            ]
        except SQLAlchemyError as error:
            raise _unreachable(f"The tables cannot be listed: {_said(error)}", error) from error
        return "\n".join(lines)

    def _checked(self, query: str, values: Mapping[str, Any]) -> TextClause:
        from sqlalchemy import text

        if ";" in query:
            # A second statement could end the transaction that reads only; where a text has a
            # semicolon cannot be told for every dialect, so none is taken.
            raise refused("The query has a semicolon inside.", "Write one statement without any.")
        check_reads(self._engine.dialect.name, query, self._lowered)
        return text(query)

    def _executed(
        self, statement: TextClause, values: Mapping[str, Any]
    ) -> tuple[Sequence[str], FetchRows]:
        named = {name: values[name] for name in statement.compile().params if name in values}
        self._begin()
        result = self._con.execution_options(stream_results=True).execute(statement, named)
        if not result.returns_rows:
            raise refused("The query gives no rows.", "Write a SELECT; nothing is changed.")
        return list(result.keys()), result.fetchmany

    def _left(self, answer: SqlAnswer) -> None:
        if answer.cut and self._is_mysql:
            self._drop()

    def _in_words(self, error: Exception) -> Exception:
        from sqlalchemy.exc import SQLAlchemyError

        if not isinstance(error, (SQLAlchemyError, sqlite3.Error)):
            return error
        said = str(getattr(error, "orig", None) or error)
        if any(word in said.lower() for word in ("readonly", "read-only", "too many attached")):
            words = f"The query does more than read: {said[:200]}"
            return refused(words, "Write a SELECT; nothing is changed.")
        return failed(Exception(said), self._schema_or_nothing())

    def _done(self) -> None:
        self._con.rollback()

    def _schema_or_nothing(self) -> str:
        try:
            self._con.rollback()
            return self.schema()
        except NodeError:
            return ""

    @property
    def _is_mysql(self) -> bool:
        return self._engine.dialect.name in ("mysql", "mariadb")

    def _interrupt(self) -> None:
        raw = self._con.connection.driver_connection
        if self._is_mysql:
            self._kill(raw)
            return
        for name in ("interrupt", "cancel"):
            if callable(stop := getattr(raw, name, None)):
                stop()
                return

    def _drop(self) -> None:
        """Give up a connection of MySQL's in the middle of an answer.

        Closed in the usual way its client would first read all other rows.
        """
        going: Any = getattr(self._con.connection.driver_connection, "_result", None)
        if hasattr(going, "unbuffered_active"):
            going.unbuffered_active = False  # PyMySQL: else it reads on when it is collected
        self._con.invalidate()

    def _kill(self, raw: Any) -> None:
        """MySQL and MariaDB are told to end a query through a second connection."""
        from sqlalchemy import text
        from sqlalchemy.exc import SQLAlchemyError

        number = raw.thread_id() if callable(getattr(raw, "thread_id", None)) else None
        number = number or getattr(raw, "connection_id", None)
        if number is None:
            return
        with contextlib.suppress(SQLAlchemyError), self._engine.connect() as second:
            second.execute(text(f"KILL QUERY {int(number)}"))

    def close(self) -> None:
        """Let go of it."""
        self._con.rollback()
        self._con.close()
        self._engine.dispose()


def _engine(url: URL, folder: Path | None) -> Engine:
    import sqlalchemy

    if url.get_backend_name() != "sqlite":
        return sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.NullPool)
    if not url.database or url.database == ":memory:":
        raise _unreachable("A SQLite address names a file: sqlite:///shop.db.", None)
    path = from_flow(url.database, folder)
    if not path.is_file():
        raise _unreachable(f"There is no file {url.database!r}.", None, "Name a database file.")

    def connect() -> sqlite3.Connection:
        uri = f"{path.resolve().as_uri()}?mode=ro"
        con = sqlite3.connect(uri, uri=True, check_same_thread=False)
        con.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        con.execute("PRAGMA query_only = ON")
        con.set_authorizer(_reads)
        return con

    return sqlalchemy.create_engine(
        "sqlite://", creator=connect, poolclass=sqlalchemy.pool.NullPool
    )


def _reads(action: int, *about: Any) -> int:
    """SQLite's authorizer: looking is allowed, also at the tables that say what there is."""
    looking = (
        sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_RECURSIVE, sqlite3.SQLITE_TRANSACTION,
    )  # fmt: skip
    if action in looking:
        return sqlite3.SQLITE_OK
    reading = ("table_info", "table_xinfo", "table_list", "foreign_key_list", "index_list",
               "index_info", "index_xinfo", "database_list")  # fmt: skip
    if action == sqlite3.SQLITE_PRAGMA and about and about[0] in reading:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_PRAGMA and about[:2] == ("read_uncommitted", None):
        return sqlite3.SQLITE_OK  # SQLAlchemy looks at it when it connects
    return sqlite3.SQLITE_DENY


def _column(column: Any) -> str:
    return f"{column['name']} {column['type']}"


def _said(error: Exception) -> str:
    return " ".join(str(getattr(error, "orig", None) or error).split())[:300]


def _unreachable(message: str, error: Exception | None, fix: str = "Check the url.") -> NodeError:
    return NodeError(message, fix=fix, code="sql/unreachable", retry=error is not None)
