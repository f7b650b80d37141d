"""What the address of a database says: a password, which never stands in a flow; its file."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

PASSWORD_KEYS = frozenset(("password", "passwd", "pwd", "sslpassword"))
"""What drivers of PostgreSQL, MySQL, SQL Server and others call a password in a query."""
_BEFORE_HOST = re.compile(r"://[^/@:?#]*:[^@?#]+@")


def has_password(address: str) -> bool:
    """Whether a password stands in it, before the host or in the query."""
    query = address.partition("?")[2]
    named = (name.lower() for name, value in parse_qsl(query) if value)
    return bool(_BEFORE_HOST.search(address)) or not PASSWORD_KEYS.isdisjoint(named)


def database_file(address: str) -> str:
    """The file of a SQLite or DuckDB database; "" where there is none, or a URI of SQLite's own."""
    scheme, _, place = address.partition(":///")
    path = place.partition("?")[0]
    is_file = scheme.partition("+")[0] in ("sqlite", "duckdb") and path != ":memory:"
    return path if is_file and not path.startswith("file:") else ""
