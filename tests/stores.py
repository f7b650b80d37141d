"""Where tests keep a history: a SQLite file each, or a schema each on a server.

`make test-postgres` runs the same tests on PostgreSQL: it sets PATCHBAY_TEST_SERVER to the address
of a server of its own.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

SERVER = os.environ.get("PATCHBAY_TEST_SERVER", "")

a_file = pytest.mark.skipif(bool(SERVER), reason="it is about SQLite's file")
"""For tests that look at, or damage, the file."""


def url_of(file: Path) -> str:
    """The address of the history that is at this path, or stands for it on the server."""
    if not SERVER:
        return f"sqlite:///{file}"
    import sqlalchemy as sa

    schema = "t" + hashlib.sha256(str(file).encode()).hexdigest()[:20]
    engine = sa.create_engine(SERVER, poolclass=sa.pool.NullPool)
    with engine.begin() as db:
        db.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    url = sa.make_url(SERVER).update_query_dict({"options": f"-csearch_path={schema}"}, append=True)
    return url.render_as_string(hide_password=False)


def change(history: Any, statement: str, *values: Any) -> list[Any]:
    """Change or read a history past its own ways; `?` stand for values.

    Returns:
        The rows, where the statement gives any.
    """
    import sqlalchemy as sa

    parts = statement.split("?")
    names = {f"v{number}": value for number, value in enumerate(values)}
    text = "".join(f"{part}:v{n}" if n < len(values) else part for n, part in enumerate(parts))

    def work(db: Any) -> list[Any]:
        result = db.execute(sa.text(text), names)
        return [tuple(row) for row in result] if result.returns_rows else []

    rows: list[Any] = history.store.do(work, write=True)
    return rows


def another(history: Any) -> Any:
    """The same history, opened once more, as another process would."""
    return type(history)(history.store._url.render_as_string(hide_password=False))
