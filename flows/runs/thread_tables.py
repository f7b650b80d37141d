"""The tables of conversations and of what is remembered, in the history's database."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import MetaData


def add_thread_tables(tables: MetaData) -> None:
    """Declare them: threads, their turns, summaries, and facts that outlive a thread."""
    import sqlalchemy as sa

    sa.Table(
        "threads",
        tables,
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("flow", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("person", sa.String(200), nullable=False, index=True),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("updated_at", sa.Float, nullable=False, index=True),
        sa.Column("turns", sa.Integer, nullable=False, default=0),
        sa.Column("branch_of", sa.Text, nullable=False, default=""),
        sa.Column("run", sa.String(64), nullable=False, default=""),
        sa.Column("process", sa.String(300), nullable=False, default=""),
        sa.Column("held_at", sa.Float, nullable=False, default=0.0),
    )
    sa.Table(
        "turns",
        tables,
        sa.Column("thread", sa.String(64), sa.ForeignKey("threads.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("run", sa.String(64), nullable=False, index=True),
        sa.Column("at", sa.Float, nullable=False),
    )
    sa.Table(  # turns that were made anew: runs may still name them (`said_before.py`)
        "replaced_turns",
        tables,
        sa.Column("thread", sa.String(64), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("run", sa.String(64), primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
    )
    sa.Table(
        "thread_runs",
        tables,
        sa.Column("run", sa.String(64), primary_key=True),
        sa.Column("thread", sa.String(64), nullable=False, index=True),
        sa.Column("before", sa.Integer, nullable=False),
        sa.Column("input", sa.Text, nullable=False),
        sa.Column("again", sa.Boolean, nullable=False),
    )
    sa.Table(
        "summaries",
        tables,
        sa.Column("thread", sa.String(64), primary_key=True),
        sa.Column("node", sa.Text, primary_key=True),
        sa.Column("covered", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )
    facts = sa.Table(
        "facts",
        tables,
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("scope", sa.String(20), nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("embeddings", sa.String(64), nullable=False),
        sa.Column("vector", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
    # The owner may be the path of a flow. A tree of PostgreSQL takes at most 2,704 bytes of it.
    sa.Index("facts_of", facts.c.scope, facts.c.owner).ddl_if(dialect="sqlite")
    of_any_length = sa.Index("facts_of_owner", facts.c.owner, postgresql_using="hash")
    of_any_length.ddl_if(dialect="postgresql")
