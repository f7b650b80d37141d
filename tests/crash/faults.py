"""Kills in process: a run dies at a chosen moment, before or after any effect or commit.

What was handed to the writer but was waited for by nobody may be lost with it, as in a real kill.
"""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, ClassVar

from patchbay.flows.runs.asking import Desk
from patchbay.flows.runs.events import NodeAnswered, NodeAsked, RunWaiting
from patchbay.flows.runs.history import History
from patchbay.flows.runs.journal import StepPlace, StepRecord
from patchbay.flows.runs.recording import Recording
from patchbay.nodes.context import IDEMPOTENCY_KEY


class Killed(BaseException):
    """The process ends here."""


class Fault:
    """Counts the moments at which a process can die, and dies at one of them. 0 is never."""

    def __init__(self, at: int = 0) -> None:
        self.at, self.count, self.dead = at, 0, False
        self._lock = threading.Lock()  # the desk is looked at in a thread

    def moment(self) -> None:
        """One of those moments."""
        with self._lock:
            if not self.dead:
                self.count += 1
                self.dead = self.count == self.at
            if self.dead:
                raise Killed


class Ledger:
    """What was done outside, by the key of the step that did it."""

    fault: ClassVar[Fault] = Fault()
    done: ClassVar[Counter[str]] = Counter()
    committed: ClassVar[set[str]] = set()
    repeated: ClassVar[Counter[str]] = Counter()
    wrong: ClassVar[list[str]] = []
    heard: ClassVar[set[str]] = set()
    """Authors of answers that nodes have been given."""

    @classmethod
    def clear(cls) -> None:
        """For the next scenario."""
        cls.fault, cls.wrong = Fault(), []
        cls.done, cls.repeated, cls.committed = Counter(), Counter(), set()
        cls.heard = set()

    @classmethod
    def effect(cls) -> None:
        """Something happens outside of the process, that must not happen twice."""
        key = IDEMPOTENCY_KEY.get()
        cls.fault.moment()
        if key in cls.committed:
            cls.wrong.append(f"{key} was committed and is done again")
        cls.done[key] += 1
        cls.fault.moment()


class Faulty:
    """The log of a journal whose process can die."""

    def __init__(self, inner: Recording) -> None:
        self._inner = inner

    def event(self, event: Any) -> None:
        """Before an event is written."""
        Ledger.fault.moment()
        self._inner.event(event)

    def step(self, record: StepRecord, *, instead: bool, waits: bool) -> Awaitable[None] | None:
        """Before a step is written, and after it is on the disk."""
        Ledger.fault.moment()
        committed = self._inner.step(record, instead=instead, waits=waits)
        return None if committed is None else self._after(committed, record.key)

    async def _after(self, committed: Awaitable[None], key: str) -> None:
        await committed
        Ledger.committed.add(key)
        Ledger.fault.moment()

    def forget(self, node: str, places: Iterable[StepPlace]) -> None:
        """A node starts over."""
        Ledger.fault.moment()
        self._inner.forget(node, places)

    def ended(self) -> None:
        """Its end is written."""
        self._inner.ended()

    def hear_stop(self, stop: Callable[[], None]) -> None:
        """Whom to tell that the run shall stop."""
        self._inner.hear_stop(stop)

    def settle(self) -> None:
        """The end."""
        Ledger.fault.moment()
        self._inner.settle()


class FaultyDesk:
    """The desk of a run whose process can die: before and after each of its commits."""

    def __init__(self, inner: Desk) -> None:
        self._inner, self.together = inner, inner.together

    @property
    def expected(self) -> bool:
        """Whether something in the run may ask."""
        return self._inner.expected

    @expected.setter
    def expected(self, value: bool) -> None:
        self._inner.expected = value

    @property
    def listeners(self) -> set[Callable[[], None]]:
        """Called when there are new answers."""
        return self._inner.listeners

    @listeners.setter
    def listeners(self, value: set[Callable[[], None]]) -> None:
        self._inner.listeners = value

    def digest_of(self, question: str) -> str | None:
        """The digest of a question."""
        return self._inner.digest_of(question)

    def answer_to(self, question: str) -> dict[str, Any] | None:
        """Its answer."""
        return self._inner.answer_to(question)

    def put(self, event: NodeAsked, digest: str) -> None:
        """Keep a question."""
        Ledger.fault.moment()
        self._inner.put(event, digest)
        Ledger.fault.moment()

    def withdraw(self, question: str) -> None:
        """Nobody needs the answer."""
        Ledger.fault.moment()
        self._inner.withdraw(question)

    def refresh(self) -> list[NodeAnswered]:
        """What has been answered; the process may die as soon as it has heard of it."""
        Ledger.fault.moment()
        found = self._inner.refresh()
        if found:
            Ledger.fault.moment()
        return found

    def sleep(self, event: RunWaiting) -> bool:
        """Fall asleep."""
        Ledger.fault.moment()
        slept = self._inner.sleep(event)
        Ledger.fault.moment()
        return slept

    def stop(self) -> bool:
        """Stop what sleeps."""
        Ledger.fault.moment()
        return self._inner.stop()

    def stored(self) -> Mapping[str, Any]:
        """What nodes have given."""
        return self._inner.stored()


def bury(history: History, run: str, *, losing: bool) -> None:
    """What is left of a run whose process died: it is nobody's, and may have lost the last moment.

    Args:
        history: where it is recorded.
        run: its id.
        losing: whether what nobody waited for is lost.
    """
    writer = history._writer
    if losing:
        with writer._news:
            writer._pending = [work for work in writer._pending if work.done is not None]
    writer.put_and_wait()
    runs = history._store.table("runs")
    process = f"{socket.gethostname()}/999999999/0.00"
    at_work = (runs.c.id == run, runs.c.status == "running")  # one that sleeps is nobody's anyway
    dead = runs.update().where(*at_work).values(process=process)
    history._store.do(lambda db: db.execute(dead), write=True)
