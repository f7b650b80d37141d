"""The tables of the history's database. Those of conversations stand in `thread_tables`."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from patchbay.flows.runs.thread_tables import add_thread_tables

if TYPE_CHECKING:
    from sqlalchemy import MetaData
    from sqlalchemy.schema import ExecutableDDLElement

TOP_EVENTS = "events_of_nodes"
OF_NODES = (
    "type IN ('node_started', 'node_retrying', 'node_waiting', 'node_asked', 'node_finished', "
    "'node_skipped', 'node_failed') AND length(node) - length(replace(node, '/', '')) = 0"
)
"""Which events say what a node of the whole run is doing. Those inside loops are many, and these
few have an index of their own; a query finds it only if it says the same, word for word. A stop is
none of them: the run ends with it, so that it is always among the last."""


@cache
def all_tables() -> MetaData:
    """All of them, and the one that holds the schema's version. Every open history shares them."""
    import sqlalchemy as sa

    tables = sa.MetaData()
    sa.Table("schema_version", tables, sa.Column("version", sa.Integer, nullable=False))
    _add_runs(tables)
    _add_beside_runs(tables)
    _add_events(tables)
    _add_steps(tables)
    _add_questions(tables)
    _add_triggers(tables)
    add_thread_tables(tables)
    return tables


@cache
def made_in_sqlite() -> tuple[str, ...]:
    """The statements that make all of them, and their indexes, in a file that has no table.

    Left to itself SQLAlchemy words them anew each time and looks for each table first, which was
    half of what it cost to begin a history.
    """
    import sqlalchemy as sa

    made: list[str] = []

    def hear(statement: ExecutableDDLElement, *_: object) -> None:
        made.append(str(statement.compile(dialect=engine.dialect)))

    engine = sa.create_mock_engine("sqlite://", hear)
    all_tables().create_all(engine, checkfirst=False)
    return tuple(made)


def _add_runs(tables: MetaData) -> None:
    """Runs."""
    import sqlalchemy as sa

    sa.Table(
        "runs",
        tables,
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("process", sa.String(300), nullable=False),
        sa.Column("started_at", sa.Float, nullable=False, index=True),
        sa.Column("seconds", sa.Float, nullable=False, default=0.0),
        sa.Column("tokens", sa.Integer, nullable=False, default=0),
        sa.Column("flow", sa.Text, nullable=False),
        sa.Column("folder", sa.Text),
        sa.Column("only", sa.Text, nullable=False),
        sa.Column("inputs", sa.Text, nullable=False),
        sa.Column("outputs", sa.Text, nullable=False, default="{}"),
        sa.Column("problem", sa.Text),
    )


def _add_beside_runs(tables: MetaData) -> None:
    """What is kept of runs beside them, and of the processes that have them."""
    import sqlalchemy as sa

    sa.Table(  # where it came from (`origins.py`)
        "run_origins",
        tables,
        sa.Column("run", sa.String(64), primary_key=True),
        sa.Column("file", sa.Text),
        sa.Column("experiment", sa.Text),
        sa.Column("pins", sa.Text),
    )
    sa.Table(  # counted as events and steps are written (`sizing.py`)
        "run_sizes",
        tables,
        sa.Column("run", sa.String(64), primary_key=True),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("events", sa.Integer, nullable=False),
    )
    sa.Table(  # which processes that have runs live (`leases.py`)
        "leases",
        tables,
        sa.Column("process", sa.String(300), primary_key=True),
        sa.Column("seen_at", sa.Float, nullable=False),
    )
    sa.Table(  # what other processes want of the one that is at work
        "stop_requests",
        tables,
        sa.Column("run", sa.String(64), primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
    )


def _add_events(tables: MetaData) -> None:
    """What happened in runs."""
    import sqlalchemy as sa

    events = sa.Table(
        "events",
        tables,
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("run", sa.String(64), sa.ForeignKey("runs.id"), nullable=False, index=True),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("node", sa.Text),
        sa.Column("data", sa.Text, nullable=False),
    )
    if_true = sa.text(OF_NODES)
    sa.Index(
        TOP_EVENTS, events.c.run, events.c.node, events.c.number,
        sqlite_where=if_true, postgresql_where=if_true,
    )  # fmt: skip


def _add_steps(tables: MetaData) -> None:
    """What must not happen twice inside nodes."""
    import sqlalchemy as sa

    sa.Table(
        "steps",
        tables,
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("run", sa.String(64), sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("node", sa.Text, nullable=False),
        sa.Column("lane", sa.Text, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("maker", sa.Text, nullable=False),
        sa.Column("replay", sa.Boolean, nullable=False),
        sa.Column("remade", sa.Boolean, nullable=False),
        sa.UniqueConstraint("run", "node", "lane", "count"),
    )


def _add_questions(tables: MetaData) -> None:
    """What people are asked, and what they answered."""
    import sqlalchemy as sa

    sa.Table(
        "questions",
        tables,
        sa.Column("run", sa.String(64), sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("node", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("asked_at", sa.Float, nullable=False),
        sa.Column("until", sa.Float),
        sa.Column("withdrawn", sa.Boolean, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
    )
    sa.Table(  # its key is what makes an answer the only one
        "answers",
        tables,
        sa.Column("run", sa.String(64), sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("question", sa.Text, primary_key=True),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("heard", sa.Boolean, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
    )


def _add_triggers(tables: MetaData) -> None:
    """What triggers were due for: its key is what makes one process start it."""
    import sqlalchemy as sa

    sa.Table(
        "trigger_claims",
        tables,
        sa.Column("trigger", sa.String(80), primary_key=True),
        sa.Column("moment", sa.String(60), primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("run", sa.String(64), nullable=False),
        sa.Column("missed", sa.Integer, nullable=False),
    )
