"""A flow's file was moved or renamed: what is kept of the flow goes along.

A flow is known by where its file lies. An id inside the file would be copied with it, so that two
copies would share their memories, and a flow that was written by hand would have none.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.wording import printable

if TYPE_CHECKING:
    from patchbay.flows.runs.history import History


@dataclass(frozen=True, slots=True)
class Moved:
    """How much went along."""

    threads: int = 0
    facts: int = 0


def move_place(history: History, old: Path, new: Path) -> Moved:
    """Let the conversations, facts and runs of a flow belong to the file where it lies now.

    A fact that is kept there already stays once.

    Args:
        history: where they are kept.
        old: where the file was, or a folder: then what is of all files below it goes along.
        new: where it is now.

    Raises:
        FlowError: the disk refuses.
    """
    old, new = old.resolve(), new.resolve()  # as flows are known
    store = history.store
    threads, facts = store.table("threads"), store.table("facts")
    origins = store.table("run_origins")

    def work(db: Any) -> Moved:
        import sqlalchemy as sa

        moved_threads = moved_facts = 0
        for file in db.execute(sa.select(origins.c.file).distinct()).scalars().all():
            if target := _target(file or "", old, new):
                of_file = origins.update().where(origins.c.file == file)
                db.execute(of_file.values(file=target))
        for row in db.execute(threads.select().with_only_columns(threads.c.id, threads.c.place)):
            if target := _target(row.place, old, new):
                db.execute(threads.update().where(threads.c.id == row.id).values(place=target))
                moved_threads += 1
        columns = (facts.c.number, facts.c.owner, facts.c.text)
        query = facts.select().with_only_columns(*columns).where(facts.c.scope == "flow")
        for row in db.execute(query.order_by(facts.c.number)).fetchall():
            if not (target := _target(row.owner, old, new)):
                continue
            own = facts.c.number == row.number
            known = facts.select().where(
                facts.c.scope == "flow", facts.c.owner == target, facts.c.text == row.text
            )
            if db.execute(known).first() is not None:
                db.execute(facts.delete().where(own))
            else:
                db.execute(facts.update().where(own).values(owner=target))
            moved_facts += 1
        return Moved(moved_threads, moved_facts)

    done: Moved = store.do(work, write=True)
    return done


def _target(place: str, old: Path, new: Path) -> str:
    """Where something is now that was at a place; empty where that was not moved."""
    if place == str(old):
        return str(new)
    below = f"{old}{os.sep}"
    return str(new / place.removeprefix(below)) if place.startswith(below) else ""


def move_by_hand(history: History, old: Path, new: Path) -> Moved:
    """`move_place` for a person who has moved a file or a folder by other means.

    Raises:
        FlowError: there is nothing at the new place, the old one is still there, or nothing is kept
            of it.
    """
    if not new.exists():
        message = f"There is no file or folder {printable(str(new))}."
        raise FlowError([Problem("thread/place", message, "Move it first, then say so here.")])
    if old.exists():
        message = f"{printable(str(old))} is still there."
        fix = "Its conversations and facts stay with it; a copy begins with none."
        raise FlowError([Problem("thread/place", message, fix)])
    done = move_place(history, old, new)
    if not (done.threads or done.facts):
        message = f"Nothing is kept of {printable(str(old))}."
        fix = "Look at patchbay threads --json: it names the place of each conversation."
        raise FlowError([Problem("thread/place", message, fix)])
    return done
