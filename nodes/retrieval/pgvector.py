"""Search a table of PostgreSQL with pgvector, as LangChain, Flowise, n8n or Haystack fill it.

https://github.com/pgvector/pgvector: `<=>` is the cosine distance, `<->` the Euclidean one. The
transaction is one that reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from patchbay.nodes.cells import plain_cell
from patchbay.nodes.retrieval.store_shapes import document, wrong
from patchbay.nodes.retrieval.store_spec import StoreRetriever
from patchbay.nodes.tools.addresses import AddressRefused, look_up
from patchbay.nodes.values import Document

_COLUMNS = """
SELECT column_name, udt_name FROM information_schema.columns
WHERE table_name = %s AND table_schema = ANY (current_schemas(false)) ORDER BY ordinal_position
"""
_OF_LANGCHAIN = "langchain_pg_collection"
"""LangChain keeps all collections in one table, and their names in this one."""
_USUAL = ("document", "pageContent", "page_content", "text", "content")
_MUTE = ("vector", "halfvec", "sparsevec", "tsvector", None)
"""Types of columns that say nothing to a reader."""
USUAL_PORT = 5432
_ELSEWHERE = {"hostaddr", "service", "servicefile", "passfile"}
"""What would lead elsewhere than to the host, or to files of the person."""
_SOCKETS = ("/", "@")
_METADATA = ("metadata", "cmetadata", "meta")


class PgVector:
    """Finds what is nearest, each time by a connection of its own. Blocks."""

    def __init__(self, spec: StoreRetriever, password: str) -> None:
        self._spec, self._password = spec, password

    def search(self, vector: Sequence[float]) -> list[Document]:
        """The nearest rows, the best first; the score is the cosine.

        Raises:
            NodeError: the database cannot be reached, or has no such table.
        """
        import psycopg

        spec = self._spec
        place = checked_host(spec.url, spec.allow_loopback)
        try:
            with psycopg.connect(
                spec.url,
                hostaddr=place,
                password=self._password or None,
                connect_timeout=max(2, int(spec.seconds)),
                options=f"-c statement_timeout={int(spec.seconds * 1000)}",
            ) as con:
                con.read_only = True
                return self._nearest(con, vector)
        except psycopg.Error as error:
            raise wrong(f"PostgreSQL does not answer: {_said(error)}") from error

    def close(self) -> None:
        """Nothing is open between two searches."""

    def _nearest(self, con: Any, vector: Sequence[float]) -> list[Document]:
        from psycopg import sql

        spec = self._spec
        table, columns = spec.collection, self._columns(con, spec.collection)
        where, named = sql.SQL(""), []
        if not columns and self._columns(con, _OF_LANGCHAIN):
            table = "langchain_pg_embedding"
            columns = self._columns(con, table)
            found = con.execute(
                f"SELECT uuid FROM {_OF_LANGCHAIN} WHERE name = %s",  # noqa: S608 - a name of ours
                [spec.collection],
            ).fetchone()
            where, named = sql.SQL("WHERE collection_id = %s"), [found[0] if found else None]
            columns = columns if found else {}
        of_vectors = [n for n, kind in columns.items() if kind in ("vector", "halfvec")]
        if spec.space:
            of_vectors = [name for name in of_vectors if name == spec.space]
        if not of_vectors:
            words = f"no column {spec.space!r} of vectors" if spec.space else "no column of vectors"
            raise wrong(
                f"There is no table or collection {spec.collection!r} in the database."
                if not columns
                else f"The table {table!r} has {words}."
            )
        query = sql.SQL(
            "SELECT *, 1 - ({column} <=> %s::{kind}) AS _cosine FROM {table} {where} "
            "ORDER BY {column} <=> %s::{kind} LIMIT %s"
        ).format(
            column=sql.Identifier(of_vectors[0]),
            kind=sql.SQL(columns[of_vectors[0]]),
            table=sql.Identifier(table),
            where=where,
        )
        told = "[" + ",".join(repr(float(number)) for number in vector) + "]"
        cursor = con.execute(query, [told, *named, told, spec.k])
        names = [column.name for column in cursor.description]
        return [self._document(dict(zip(names, row, strict=True)), columns) for row in cursor]

    @staticmethod
    def _columns(con: Any, table: str) -> dict[str, str]:
        return dict(con.execute(_COLUMNS, [table]).fetchall())

    def _document(self, row: dict[str, Any], columns: dict[str, str]) -> Document:
        score = row.pop("_cosine")
        kept = {name: value for name, value in row.items() if columns.get(name) not in _MUTE}
        kept.pop("collection_id", None)
        for name in _METADATA:
            if isinstance(kept.get(name), dict):
                kept["metadata"] = kept.pop(name)
                break
        field = next((n for n in (self._spec.text_field, *_USUAL) if n in kept), "text")
        plain = {name: plain_cell(value) for name, value in kept.items()}
        return document(plain, field, float(score) if score is not None else 0.0)


def checked_host(url: str, loopback: bool) -> str | None:
    """The address of the database's host, so that nobody looks the name up a second time.

    Which host an address means is asked of libpq, which takes it from the query as well.

    Args:
        url: `postgresql://user@host/name`.
        loopback: whether this machine itself may be asked.

    Raises:
        NodeError: it may not, or cannot be found.
    """
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        said = {name: str(value) for name, value in conninfo_to_dict(url).items() if value}
    except psycopg.Error as error:
        words = f"The address is none of PostgreSQL's: {_said(error)}"
        raise wrong(words, "Write postgresql://user@host/name.") from error
    if others := sorted(_ELSEWHERE & said.keys()):
        raise wrong(f"The address says {others[0]}=.", "Name the host, as postgresql://host/name.")
    host, port = said.get("host", ""), said.get("port", "")
    if "," in host + port:
        raise wrong("The address names several hosts.", "Name one.")
    if not host or host.startswith(_SOCKETS):
        if not loopback:
            raise wrong("The database is on this machine.", "Switch on `allow_loopback`.")
        return None  # a socket of this machine
    try:
        return look_up(host, int(port or USUAL_PORT), loopback=loopback)[0]
    except AddressRefused as error:
        raise wrong(str(error), "Switch on `allow_loopback` for this machine.") from error
    except (OSError, ValueError) as error:
        raise wrong(f"The host {host!r} cannot be found.") from error


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
