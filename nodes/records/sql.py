"""The node `data.sql`: a query as a step."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from patchbay.nodes.contract import Context, Field, Node, NodeError, Ports, port
from patchbay.nodes.home import from_flow
from patchbay.nodes.names import is_name
from patchbay.nodes.records.database import Database
from patchbay.nodes.records.duck import DuckTables
from patchbay.nodes.records.pick import plain
from patchbay.nodes.records.sql_answer import SqlAnswer
from patchbay.nodes.records.sql_params import DATA, SqlParams
from patchbay.nodes.records.sql_source import VALUE, SqlLimits, SqlSource
from patchbay.nodes.units import MEGABYTE
from patchbay.nodes.values import Document, Promptable, SecretRef, Table

_OWN = ("query", DATA)


class SqlQuery(Node):
    """Ask tables or a database by SQL, for reading only.

    CSV, Parquet and JSON files, and what is wired into `data`, are tables of DuckDB; a `url` leads
    to a database of SQLAlchemy's. `:name` in the query becomes an input, whose value is bound and
    never pasted in. A query may come by wire, from a model that was shown `schema`. It can reach
    nothing but what you have named, change nothing, and is held to limits of rows, size and time.
    """

    kind, version = "data.sql", 1
    title, family, icon = "SQL query", "Data", "database"
    front = "query"
    synonyms = (
        "database", "postgres", "postgresql", "mysql", "sqlite", "duckdb", "csv", "parquet",
        "select", "table", "sqlalchemy", "csv agent", "text to sql",
    )  # fmt: skip
    requires = ("duckdb",)
    deterministic = False

    class Params(SqlParams):
        query: str = Field("", max_length=100_000, widget="code")
        """The query, with :names for values. A wire into `query` takes its place; with neither only
        the schema is given."""

    class Inputs(Ports):
        query: str | None = port(None, doc="Takes the place of the param.")
        data: JsonValue | Table | list[Document] = port(
            None, doc="Records that are asked as the table `data`."
        )

    class Outputs(Ports):
        table: Table = port(doc="The rows.")
        rows: JsonValue = port(doc="The rows as a JSON list of objects.")
        schema: str = port(doc="The tables with their columns and types, for a model's prompt.")

    @classmethod
    def input_ports(cls, params: Params) -> type[Ports]:
        """The query, the records, and a port for each value."""
        declared = cls.Inputs.declared
        ports: dict[str, Any] = {
            "query": (str | None, port(None, doc=declared["query"].doc)),
            DATA: (JsonValue | Table | list[Document] | None, port(None, doc=declared[DATA].doc)),
        }
        for name in names_in(params.query):
            ports[name] = (Promptable, port(doc=f"The value of :{name}."))
        return Ports.of(ports)

    @classmethod
    def files(cls, params: Params) -> tuple[str, ...]:
        """The file of a database that is one."""
        return params.files()

    @classmethod
    def summary(cls, params: Params) -> str:
        """The query, or what is asked."""
        tables = ", ".join(table.name for table in params.tables)
        return " ".join(params.query.split()) or tables or params.url

    async def run(self, inputs: Ports, params: Params, ctx: Context) -> Ports:
        """Ask, in a thread."""
        values = inputs.as_dict()
        query, records = values.pop("query"), values.pop(DATA)
        source = await ctx.blocking(open_source, params, ctx.folder, ctx.secret, records)
        try:
            schema = await ctx.blocking(source.schema)
            text = params.query if query is None else query
            if not text.strip() and query is None:
                return self.output_ports(params)(schema=schema)
            bound = {name: _bindable(value) for name, value in values.items()}
            answer = await ctx.blocking(asked, source, text, params, ctx, bound)
        finally:
            await ctx.blocking(source.close)
        for said in answer.said():
            await ctx.warn(said)
        rows: list[JsonValue] = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
        table = Table(columns=answer.columns, rows=answer.rows)
        return self.Outputs(table=table, rows=rows, schema=schema)


def names_in(query: str) -> list[str]:
    """The values that a query asks for, `:name` or `$name`, outside of quotes and comments."""
    bare = re.sub(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", " ", query, flags=re.S)
    found = dict.fromkeys(VALUE.findall(bare))
    return [name for name in found if is_name(name) and name not in _OWN]


def open_source(
    params: SqlParams,
    folder: Path | None,
    secret_of: Callable[[SecretRef], str],
    records: Any = None,
) -> SqlSource[Any]:
    """What is asked, opened. Blocks.

    Raises:
        NodeError: it is not there, or nothing is named.
    """
    url = secret_of(params.url_secret) if params.url_secret is not None else params.url.strip()
    if url and not url.startswith("duckdb:"):
        return Database(url, folder)
    files = {table.name: from_flow(table.file, folder) for table in params.tables}
    for table in params.tables:
        if not files[table.name].is_file():
            raise NodeError(
                f"There is no file {table.file!r} for the table {table.name!r}.",
                fix="Name a file, relative to the flow's folder.",
                code="sql/unreadable",
                retry=False,
            )
    database = (folder or Path.cwd()) / url.partition(":///")[2] if url else None
    if not files and database is None and records is None:
        raise NodeError(
            "Nothing is named that could be asked.",
            fix="Fill in `tables` or `url`, or wire records into `data`.",
            param="tables",
            code="sql/nothing",
            retry=False,
        )
    return DuckTables(
        {name: file.resolve() for name, file in files.items()},
        database,
        None if records is None else _objects(records),
        dates=params.dates,
    )


def asked(
    source: SqlSource[Any],
    query: str,
    params: SqlParams,
    ctx: Context,
    values: Mapping[str, Any] | None = None,
) -> SqlAnswer:
    """What a query gives, within the limits of the params. Blocks."""
    size = int(params.megabytes * MEGABYTE)
    limits = SqlLimits(params.rows, size, params.seconds, ctx.cancelled.is_set)
    return source.ask(query, values or {}, limits)


def _objects(records: Any) -> list[dict[str, JsonValue]]:
    value = plain(records)
    items = value if isinstance(value, list) else [value]
    objects = [item for item in items if isinstance(item, dict)]
    if len(objects) < len(items):
        raise NodeError(
            '"data" takes a table or a JSON list of objects.',
            fix="Make records of it, with Transform, say.",
            port=DATA,
            code="sql/unreadable",
            retry=False,
        )
    return objects


def _bindable(value: Any) -> Any:
    from patchbay.nodes.values import as_text

    if isinstance(value, (str, int, float)) or value is None:
        return value
    return as_text(value)
