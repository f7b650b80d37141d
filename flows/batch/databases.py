"""Rows out of a database, and into one. Addresses are SQLAlchemy's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from patchbay.flows.batch.rows import Row, Rows, bad

AT_ONCE = 1000
"""Rows that are fetched, and written, at once."""

FIX = "sqlite:///file.db and postgresql://user@host/name are such addresses."


def split_table(address: str) -> tuple[str, str]:
    """The address of a database and the table that stands behind its `#`."""
    base, _, table = address.partition("#")
    return base, table


def folder_of(address: str) -> Path:
    """The folder of a database that is a file; else the one at hand."""
    import sqlalchemy

    url = sqlalchemy.make_url(split_table(address)[0])
    if url.get_backend_name() == "sqlite" and url.database:
        return Path(url.database).parent
    return Path()


def engine_of(address: str) -> Any:
    """A way to the database.

    Raises:
        FlowError: the address names none that can be spoken to.
    """
    import sqlalchemy

    try:
        return sqlalchemy.create_engine(address)
    except (sqlalchemy.exc.ArgumentError, ImportError, sqlalchemy.exc.NoSuchModuleError) as error:
        raise bad("batch/database", f"That is no database: {_said(error)}.", FIX) from None


def database_rows(address: str, query: str) -> Rows:
    """What a query gives; all of a table, where the address ends in `#table`.

    Raises:
        FlowError: neither is given, or the database refuses.
    """
    import sqlalchemy

    base, table = split_table(address)
    if not query and not table:
        fix = "Give --query 'select …', or end the address with #table."
        raise bad("batch/query", "Which rows of the database is not said.", fix)
    engine = engine_of(base)
    asked: Any = sqlalchemy.text(query)
    if not query:
        asked = sqlalchemy.select(sqlalchemy.text("*")).select_from(sqlalchemy.table(table))
    try:
        connection = engine.connect().execution_options(stream_results=True, yield_per=AT_ONCE)
        found = connection.execute(asked)
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise bad("batch/database", f"The database refuses: {_said(error)}.", FIX) from None

    def close() -> None:
        connection.close()
        engine.dispose()

    return Rows("the database", tuple(found.keys()), _each(found), None, close=close)


def _each(found: Any) -> Iterator[Row]:
    for number, row in enumerate(found):
        yield number, dict(row._mapping)


def _said(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).splitlines()[0]
