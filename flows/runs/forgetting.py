"""Delete all that is kept of a thread or of a person, and make sure that the bytes are gone too."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.thread_holds import busy, is_held
from patchbay.flows.runs.threads import Thread, Threads
from patchbay.flows.wording import printable

if TYPE_CHECKING:
    from patchbay.flows.runs.cache import Cache
    from patchbay.flows.runs.history import History


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How much was deleted. `kept` are runs that a branch still holds turns of."""

    threads: int = 0
    turns: int = 0
    runs: int = 0
    facts: int = 0
    kept: int = 0


def forget_thread(history: History, thread: str, cache: Cache | None = None) -> Forgotten:
    """Delete a thread, its turns, summaries and facts, and its runs with all they gave.

    Args:
        history: where it is kept.
        thread: its id.
        cache: the results that runs share; those of the deleted runs go too.

    Raises:
        FlowError: there is no such thread, or a run is at work in it.
    """
    return _forget(history, [Threads(history).get(thread)], None, cache)


def forget_person(history: History, person: str, cache: Cache | None = None) -> Forgotten:
    """Delete all threads of a person and everything remembered of them.

    Raises:
        FlowError: nothing is kept of that person, or a run is at work in one of the threads.
    """
    found = Threads(history).listed(people=[person], limit=1_000_000)
    facts = history.store.table("facts")
    of = facts.select().where(facts.c.scope == "person", facts.c.owner == person)
    if not found and not history.store.do(lambda db: db.execute(of).first()):
        message = f'Nothing is kept of "{printable(person)}".'
        fix = "Look at patchbay threads --json: it names the person of each."
        raise FlowError([Problem("thread/person", message, fix)])
    return _forget(history, found, person, cache)


def _forget(
    history: History, threads: list[Thread], person: str | None, cache: Cache | None
) -> Forgotten:
    store = history.store
    ids = [thread.id for thread in threads]
    keys: list[str] = []

    def work(db: Any) -> Forgotten:
        for thread in threads:
            if held := is_held(db, store, thread.id):
                raise busy(held)
        own, shared = _runs(db, store, ids)
        for run in own:
            keys.extend(_keys(db, store, run))
            history.forget(db, run)
        turns = sum(_delete(db, store.table("turns"), "thread", [i]) for i in ids)
        for name in ("summaries", "thread_runs", "replaced_turns"):
            _delete(db, store.table(name), "thread", ids)
        facts = _delete_facts(db, store.table("facts"), ids, person)
        _delete(db, store.table("threads"), "id", ids)
        return Forgotten(len(ids), turns, len(own), facts, len(shared))

    done = store.erase(work)
    if cache is not None:
        for key in keys:
            cache.drop(key)
        cache.flush()
    return done


def _runs(db: Any, store: Any, ids: list[str]) -> tuple[list[str], list[str]]:
    """The runs of threads: those of no other one, and those that other ones hold turns of."""
    turns, runs = store.table("turns"), store.table("thread_runs")
    found: dict[str, None] = {}
    others: set[str] = set()
    for row in db.execute(turns.select().with_only_columns(turns.c.run, turns.c.thread)):
        if row.thread in ids:
            found[row.run] = None
        else:
            others.add(row.run)
    for row in db.execute(runs.select()):
        if row.thread in ids:
            found[row.run] = None
    return [run for run in found if run not in others], [run for run in found if run in others]


def _keys(db: Any, store: Any, run: str) -> list[str]:
    events = store.table("events")
    query = events.select().where(events.c.run == run, events.c.type == "node_finished")
    return [key for row in db.execute(query) if (key := json.loads(row.data).get("key"))]


def _delete(db: Any, table: Any, column: str, ids: Iterable[str]) -> int:
    return sum(db.execute(table.delete().where(table.c[column] == i)).rowcount for i in ids)


def _delete_facts(db: Any, facts: Any, threads: list[str], person: str | None) -> int:
    owners = [("thread", thread) for thread in threads]
    owners += [("person", person)] if person is not None else []
    return sum(
        db.execute(facts.delete().where(facts.c.scope == scope, facts.c.owner == owner)).rowcount
        for scope, owner in owners
    )
