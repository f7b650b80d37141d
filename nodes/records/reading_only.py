"""How each database is held to reading, by its own means first.

PostgreSQL: a read-only transaction, and a cursor, which takes nothing but queries. A superuser
could still have the server read and write its files (`pg_read_file`, `lo_export`); such a one goes
on as `pg_read_all_data`, which may read tables alone. MySQL and MariaDB: a read-only transaction,
which does not keep a query from writing a file of the server (`INTO OUTFILE`), nor `SET GLOBAL`
from having its way; so what is asked has to begin as a query does.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from patchbay.nodes.records.sql_answer import refused

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

_POWERS = """
SELECT current_user, rolsuper FROM pg_roles
WHERE rolname = current_user AND (rolsuper OR EXISTS (
    SELECT 1 FROM pg_roles AS power
    WHERE power.rolname IN (
        'pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program')
    AND pg_has_role(current_user, power.oid, 'member')))
"""
"""A row where the user may have the server touch files or start programs."""
_UNDOES = re.compile(r"set_config|_to_xml|ts_stat|ts_rewrite|dblink|\bu&", re.IGNORECASE)
"""What could take a lowered role back: sets it, runs SQL that stands in a text, hides names."""

_COMMENT = r"(?:\s|--[^\n]*(?:\n|$)|#[^\n]*(?:\n|$)|/\*.*?\*/)"
_QUERY = re.compile(
    rf"(?:{_COMMENT}|\()*(select|with|values|table|show|describe|desc|explain)\b",
    re.IGNORECASE | re.DOTALL,
)
_FILE = re.compile(
    rf"\binto{_COMMENT}+(?:outfile|dumpfile)\b|\bload_file\b|/\*M?!", re.IGNORECASE | re.DOTALL
)
"""What reaches for a file of the server, or hides it in a comment that MySQL runs."""


def begin_reading(con: Connection) -> bool:
    """Begin a transaction that reads; whether its user had to be held to less than they may do.

    Raises:
        NodeError: the user has powers over the server's files that cannot be laid down.
    """
    from sqlalchemy import text

    match con.engine.dialect.name:
        case "postgresql":
            con.execute(text("SET TRANSACTION READ ONLY"))
            power = con.execute(text(_POWERS)).first()
            if power is not None:
                _lay_down(con, str(power[0]))
            return power is not None
        case "mysql" | "mariadb":
            con.rollback()
            con.execute(text("SET SESSION TRANSACTION READ ONLY"))
            con.rollback()
    return False


def _lay_down(con: Connection, user: str) -> None:
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    try:
        con.execute(text("SET LOCAL ROLE pg_read_all_data"))
    except SQLAlchemyError as error:
        raise refused(
            f"The user {user!r} may have the database's server read and write files.",
            "Give the address of a user who may only read.",
        ) from error


def check_reads(dialect: str, statement: str, lowered: bool) -> None:
    """See to what a read-only transaction lets through.

    Raises:
        NodeError: the statement is refused; says why.
    """
    if dialect == "postgresql":
        if lowered and (found := _UNDOES.search(statement)):
            raise refused(
                f"{found[0]!r} could take back that this user, who may do anything, only reads.",
                "Write it otherwise, or give the address of a user who may only read.",
            )
        return
    if dialect == "sqlite":
        return  # its authorizer sees every step
    if not _QUERY.match(statement):
        raise refused("It is no query.", "Write a SELECT; nothing is changed.")
    if dialect in ("mysql", "mariadb") and (found := _FILE.search(statement)):
        raise refused(
            f"{' '.join(found[0].split())!r} is not taken: it can reach for files of the server.",
            "Write a SELECT of the tables.",
        )
