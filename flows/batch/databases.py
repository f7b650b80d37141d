"""Rows out of a database, and into one. Addresses are SQLAlchemy's."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from patchbay.flows.batch.plain_cells import plain_cells
from patchbay.flows.batch.rows import Row, Rows, bad
from patchbay.flows.runs.secrets import Secrets
from patchbay.flows.wording import first_line
from patchbay.nodes.database_address import PASSWORD_KEYS, database_file

AT_ONCE = 1000
"""Rows that are fetched, and written, at once."""

PASSWORD = "PATCHBAY_DATABASE_PASSWORD"  # noqa: S105 - its name
"""The secret that a batch which is made again takes the password of its database from."""

HIDDEN = "***"

FIX = "sqlite:///file.db and postgresql://user@host/name are such addresses."


def split_table(address: str) -> tuple[str, str]:
    """The address of a database and the table that stands behind its `#`."""
    base, _, table = address.partition("#")
    return base, table


def without_password(address: str) -> str:
    """What may be shown and kept of a path or an address: all but its password."""
    if "://" not in address:
        return address
    import sqlalchemy

    base, sharp, table = address.partition("#")
    try:
        url = sqlalchemy.make_url(base)
    except (sqlalchemy.exc.ArgumentError, ValueError):  # no address: whatever stands before the @
        scheme, _, rest = address.partition("://")
        return f"{scheme}://{HIDDEN}@{rest.rpartition('@')[2]}" if "@" in rest else address
    said = {name: HIDDEN for name in url.query if name.lower() in PASSWORD_KEYS}
    shown = url.update_query_dict(said).render_as_string(hide_password=True)
    return shown.replace("%2A%2A%2A", HIDDEN) + sharp + table


def whole_address(address: str) -> str:
    """An address with the whole path of a database that is a file: it says the same in every
    folder."""
    base, sharp, table = address.partition("#")
    file = database_file(base)
    if not file or Path(file).is_absolute():
        return address
    return base.replace(f":///{file}", f":///{Path(file).absolute()}", 1) + sharp + table


def with_password(address: str, secrets: Secrets) -> str:
    """An address that `without_password` gave, with the password of the secret `PASSWORD`.

    Raises:
        FlowError: it had one, and the secret is not set.
    """
    if "://" not in address or HIDDEN not in address:
        return address
    import sqlalchemy

    base, sharp, table = address.partition("#")
    url = sqlalchemy.make_url(base)
    asked = [name for name, value in url.query.items() if value == HIDDEN]
    if url.password != HIDDEN and not asked:
        return address
    password = secrets.find(PASSWORD)
    if password is None:
        message = f"The password of {address} is missing: it is never written down."
        raise bad("batch/password", message, f"Set the environment variable {PASSWORD}.")
    if url.password == HIDDEN:
        url = url.set(password=password)
    url = url.update_query_dict(dict.fromkeys(asked, password))
    return url.render_as_string(hide_password=False) + sharp + table


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
    except (sqlalchemy.exc.ArgumentError, ImportError, ValueError) as error:
        message = f"{without_password(address)} is no database: {said(error)}."
        raise bad("batch/database", message, FIX) from None


@contextlib.contextmanager
def _reached(base: str) -> Iterator[tuple[Any, Path | None]]:
    """The engine of a database and the file that it is; what it refuses is told as a problem."""
    import sqlalchemy

    engine = engine_of(base)
    try:
        yield engine, _file_of(base, engine)
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise bad("batch/database", f"The database refuses: {said(error)}.", FIX) from None
    finally:
        engine.dispose()


def refuse_unwritable(output: str) -> None:
    """Check that a table can be written there, as far as it can be known without writing one.

    Raises:
        FlowError: the table is not named, or the database is not reached or cannot be written to.
    """
    base, table = split_table(output)
    if not table:
        raise bad("batch/output", "The table is not named.", "sqlite:///file.db#labels")
    with _reached(base) as (engine, file):
        if file is not None and not file.parent.is_dir():
            raise bad("batch/output", f"There is no folder {file.parent}.", "Make it first.")
        if file is not None and not _is_writable(file):
            fix = "Name a database that you may write to."
            raise bad("batch/output", f"{file} cannot be written.", fix)
        if file is None or file.exists():  # SQLite would make an empty one
            engine.connect().close()


def has_table(output: str) -> bool:
    """Whether the table that an output names is there already. The database is reached.

    Raises:
        FlowError: it is not.
    """
    import sqlalchemy

    base, table = split_table(output)
    with _reached(base) as (engine, file):
        there = file is None or file.exists()
        return there and bool(sqlalchemy.inspect(engine).has_table(table))


def _file_of(base: str, engine: Any) -> Path | None:
    """The file that a database is; None of a server's.

    Raises:
        FlowError: it is in memory, and gone when the batch ends.
    """
    if engine.url.get_backend_name() not in ("sqlite", "duckdb"):
        return None
    if engine.url.database in (None, "", ":memory:"):
        message = "A database in memory is gone when the batch ends."
        raise bad("batch/output", message, "Name its file: sqlite:///file.db#labels.")
    file = database_file(base)
    return Path(file) if file else None


def _is_writable(file: Path) -> bool:
    places = [file.parent, *([file] if file.exists() else [])]  # SQLite writes beside it too
    return all(os.access(place, os.W_OK) for place in places)


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
    file = database_file(base) if engine.url.get_backend_name() == "sqlite" else ""
    if file and not Path(file).exists():
        message = f"{file} cannot be read: No such file or directory."
        raise bad("batch/rows", message, "Check the path.")  # SQLite would make an empty one
    asked: Any = sqlalchemy.text(query)
    if not query:
        asked = sqlalchemy.select(sqlalchemy.text("*")).select_from(sqlalchemy.table(table))
    try:
        connection = engine.connect().execution_options(stream_results=True, yield_per=AT_ONCE)
        found = connection.execute(asked)
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise bad("batch/database", f"The database refuses: {said(error)}.", FIX) from None

    def close() -> None:
        connection.close()
        engine.dispose()

    return Rows("the database", tuple(found.keys()), _each(found), None, close=close)


def _each(found: Any) -> Iterator[Row]:
    import sqlalchemy

    try:
        for number, row in enumerate(found):
            yield number, plain_cells(row._mapping)
    except sqlalchemy.exc.SQLAlchemyError as error:
        message = f"The database ends in the midst of the rows: {said(error)}."
        raise bad("batch/database", message, "What is done is kept: --resume goes on.") from None


def said(error: Exception) -> str:
    """What the database itself says, on one line."""
    return first_line(getattr(error, "orig", None) or error)
