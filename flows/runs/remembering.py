"""What outlives a run, in the history's database: facts by scope, and summaries of threads."""

from __future__ import annotations

import base64
import struct
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from patchbay.flows.problems import FlowError
from patchbay.nodes.errors import NodeError
from patchbay.nodes.remembered import Fact, Scope, Summary

if TYPE_CHECKING:
    from patchbay.flows.runs.environment import Environment
    from patchbay.flows.runs.history import History


class Remembering:
    """The `Remembered` of a run.

    Args:
        history: where it is kept; the default history unless given.
        thread: the thread that the run is a turn of; "" for none.
        flow: what the flow is known by: the path of its file, or its name.
        person: whom the run is for; "" for whoever uses this machine.
    """

    def __init__(
        self, history: History | None = None, thread: str = "", flow: str = "", person: str = ""
    ) -> None:
        self._history = history
        self._owners: dict[Scope, str] = {"thread": thread, "flow": flow, "person": person}

    @classmethod
    def of(cls, env: Environment) -> Remembering:
        """That of the run of an environment."""
        return cls(env.history, env.thread, env.place, env.person)

    def store(self, scope: Scope, fact: Fact) -> bool:
        """Keep a fact. False where its text is kept already."""
        owner = self._owner(scope)

        def work(db: Any, table: Any) -> bool:
            of = (table.c.scope == scope, table.c.owner == owner, table.c.text == fact.text)
            gone = db.execute(table.delete().where(*of)).rowcount
            row = {
                "scope": scope, "owner": owner, "text": fact.text, "embeddings": fact.embeddings,
                "vector": _packed(fact.vector), "at": fact.at or time.time(),
            }  # fmt: skip
            db.execute(table.insert().values(**row))
            return not gone

        return bool(self._do("facts", work, write=True))

    def facts(self, scope: Scope) -> list[Fact]:
        """All facts, the oldest first, as they are on the disk now."""
        owner = self._owner(scope)

        def work(db: Any, table: Any) -> list[Fact]:
            query = table.select().where(table.c.scope == scope, table.c.owner == owner)
            rows = db.execute(query.order_by(table.c.number))
            return [Fact(r.text, r.embeddings, _unpacked(r.vector), r.at) for r in rows]

        found: list[Fact] = self._do("facts", work)
        return found

    def summary(self, node: str) -> Summary | None:
        """The summary that a node keeps of this thread."""
        thread = self._owners["thread"]
        if not thread:
            return None

        def work(db: Any, table: Any) -> Summary | None:
            query = table.select().where(table.c.thread == thread, table.c.node == node)
            row = db.execute(query).first()
            return None if row is None else Summary(row.covered, row.digest, row.text)

        found: Summary | None = self._do("summaries", work)
        return found

    def keep_summary(self, node: str, summary: Summary) -> None:
        """Keep it, where there is a thread."""
        thread = self._owners["thread"]
        if not thread:
            return
        row = {
            "thread": thread, "node": node, "covered": summary.covered, "digest": summary.digest,
            "text": summary.text,
        }  # fmt: skip

        def work(db: Any, table: Any) -> None:
            db.execute(table.delete().where(table.c.thread == thread, table.c.node == node))
            db.execute(table.insert().values(**row))

        self._do("summaries", work, write=True)

    def _owner(self, scope: Scope) -> str:
        owner = self._owners[scope]
        if scope == "thread" and not owner:
            raise NodeError(
                "Nothing can be remembered of the thread: this run is a turn of none.",
                fix="Run the flow in a thread (patchbay chat … --thread NAME, thread= in Python, "
                "the Chat tab), or choose the scope flow or person.",
                code="memory/no-thread",
                retry=False,
            )
        return owner

    def _do(self, table: str, work: Any, *, write: bool = False) -> Any:
        from patchbay.flows.runs.address import history_address

        try:
            store = (self._history or _default(history_address())).store
            return store.do(lambda db: work(db, store.table(table)), write=write)
        except FlowError as error:
            problem = error.problems[0]
            raise NodeError(
                problem.message, fix=problem.fix, code="memory/unwritable", retry=False
            ) from error


@lru_cache(maxsize=4)
def _default(address: str) -> History:
    """The history at an address, opened once in a process."""
    from patchbay.flows.runs.history import History

    return History(address)


def _packed(vector: tuple[float, ...]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")


def _unpacked(text: str) -> tuple[float, ...]:
    """A vector; an empty one where the row is damaged, so that it is made again from the text."""
    try:
        raw = base64.b64decode(text, validate=True)
        return struct.unpack(f"<{len(raw) // 4}f", raw)
    except (ValueError, struct.error):
        return ()
