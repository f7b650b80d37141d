"""What a query is asked of, and how much may come back."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator
from pydantic import Field as Bounded

from patchbay.nodes.contract import Field, NodeParams
from patchbay.nodes.database_address import database_file, has_password
from patchbay.nodes.names import Name
from patchbay.nodes.values import SecretRef

DATA = "data"
"""The name of the table that is wired in."""
_ENDINGS = (".csv", ".tsv", ".txt", ".parquet", ".json", ".jsonl", ".ndjson")


def _check_file(text: str) -> str:
    if text and not text.lower().endswith(_ENDINGS):
        raise ValueError(f"{text[:80]!r} is no table; there are {', '.join(_ENDINGS)}")
    return text


class TableFile(BaseModel):
    """A file that is asked as a table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    """The name of the table."""
    file: Annotated[str, AfterValidator(_check_file)] = Bounded(
        "", max_length=1000, json_schema_extra={"widget": "file"}
    )
    """The file: CSV, Parquet or JSON. Relative to the flow's folder."""


class SqlParams(NodeParams):
    """What is asked, and within which limits."""

    tables: list[TableFile] = Field([], max_length=100)
    """Files that are asked as tables, through DuckDB. Empty with `url`."""
    url: str = Field("", max_length=2000)
    """A database, as SQLAlchemy writes it: `sqlite:///shop.db`, `duckdb:///shop.duckdb`,
    `postgresql+psycopg://reader@host/shop`. A password belongs in `url_secret`."""
    url_secret: SecretRef | None = Field(None, widget="secret")
    """The whole address as a secret, in place of `url`."""
    dates: bool = Field(False)
    """Whether what looks like a date in a CSV file is read as one. Off, since section numbers such
    as 1-2-3 look like dates, too."""
    rows: int = Field(1000, ge=1, le=1_000_000)
    """The most rows that are given."""
    megabytes: float = Field(5, gt=0, le=1000)
    """The most that is given, in megabytes of text."""
    seconds: float = Field(30, gt=0, le=3600)
    """The longest that a query may take."""

    def files(self) -> tuple[str, ...]:
        """The file of a database that is one."""
        return tuple(filter(None, [database_file(self.url.strip())]))

    @model_validator(mode="after")
    def _makes_sense(self) -> SqlParams:
        if self.tables and (self.url or self.url_secret):
            raise ValueError("give tables or a url, not both")
        if has_password(self.url):
            raise ValueError("the url has a password in it; put the whole url into url_secret")
        names = [table.name.lower() for table in self.tables]
        if len(set(names)) < len(names) or DATA in names:
            raise ValueError(f"tables need different names, and {DATA!r} is what is wired in")
        return self
