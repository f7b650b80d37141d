"""The node `tool.sql`: a database as a tool for agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import JsonValue

from patchbay.nodes.contract import Context, DescribingNode, Field, Ports, port
from patchbay.nodes.records.sql import asked, open_source
from patchbay.nodes.records.sql_params import SqlParams
from patchbay.nodes.tools.tool import BoundTool, ToolName, langchain_tool, shortened
from patchbay.nodes.values import SecretRef, Table

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

MAX_SCHEMA = 6000
"""Characters of the schema that the model is shown."""


class SqlTool(BoundTool):
    """Runs queries that read. `source` holds the settings of what is asked."""

    backend: ClassVar[str] = "sql"

    source: dict[str, JsonValue]
    key: SecretRef | None = None

    @property
    def repeatable(self) -> bool:
        """No: the rows may be others by then."""
        return False

    def bind(self, ctx: Context) -> BaseTool:
        """The tool; it takes one `query`, and its description shows the tables.

        Raises:
            NodeError: what is asked is not there.
        """
        params = SqlParams.model_validate({**self.source, "url_secret": self.key})
        opened = open_source(params, ctx.folder, ctx.secret)
        try:
            schema = shortened(opened.schema(), MAX_SCHEMA)
        finally:
            opened.close()

        def ask(query: str) -> str:
            source = open_source(params, ctx.folder, ctx.secret)
            try:
                answer = asked(source, query, params, ctx)
            finally:
                source.close()
            more = "".join(f"\n({said})" for said in answer.said())
            if not answer.rows:
                return "No rows."
            return shortened(Table(columns=answer.columns, rows=answer.rows).as_markdown()) + more

        told = self.model_copy(update={"description": f"{self.description}\nTables:\n{schema}"})
        return langchain_tool(told, ask, {"query": (str, "One SQL query that reads")})


class SqlAsTool(DescribingNode):
    """Let an agent ask tables or a database by SQL, for reading only; it is shown the tables.

    The bounds are those of *SQL query*: it reaches nothing but what you have named, changes
    nothing, and gets so many rows. What the database says of a wrong query is told to the agent.
    """

    kind, version = "tool.sql", 1
    title, family, icon = "SQL tool", "Tools", "database"
    synonyms = (
        "database", "sql agent", "csv agent", "postgres", "mysql", "sqlite", "duckdb", "csv",
        "text to sql", "query",
    )  # fmt: skip
    requires = ("duckdb",)

    class Params(SqlParams):
        name: ToolName = Field("sql")
        """What the agent calls it."""
        description: str = Field(
            "Runs a SQL query and gives the rows.", min_length=1, max_length=2000, widget="textarea"
        )
        """What the agent is told that it is for; the tables are added."""

    class Outputs(Ports):
        tool: SqlTool = port(doc="The tool, for an agent.")

    @classmethod
    def files(cls, params: Params) -> tuple[str, ...]:
        """The file of a database that is one."""
        return params.files()

    @classmethod
    def summary(cls, params: Params) -> str:
        """What is asked."""
        return ", ".join(table.name for table in params.tables) or params.url

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """Describe the tool."""
        own = set(SqlParams.model_fields) - {"url_secret"}
        return cls.Outputs(
            tool=SqlTool(
                name=params.name,
                description=params.description,
                seconds=params.seconds + 5,  # the query's own limit says more
                source=params.model_dump(mode="json", include=own),
                key=params.url_secret,
            )
        )
