"""One run at a time in a thread, across processes: who holds it, and what holds no more."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING, Any

from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.events import RunEnd, RunFinished
from patchbay.flows.runs.leases import is_alive, is_of_this_host, this_process
from patchbay.flows.runs.threads import Thread, Threads, ThreadTurn, turn_row, unknown
from patchbay.nodes.threads import whole_in_thread
from patchbay.nodes.values import Message, as_text

if TYPE_CHECKING:
    from patchbay.flows.runs.history import History
    from patchbay.flows.runs.said_before import SaidBefore

ELSEWHERE_S = 60.0
"""Seconds after which a holder on another machine that has not said that it lives counts as dead:
of its processes nothing else is known here."""
_SAID_EVERY_S = 10.0
_LOOK_EVERY_S = 0.2

_at_work: set[str] = set()
"""The runs of this process that hold a thread. One that could not let go (the disk was full, say)
is not among them, so that its thread is not lost until the process ends."""


class Hold:
    """A thread that one run holds: the turns before it, and the one that will be added.

    Args:
        threads: the store.
        thread: the thread, as it was when it was taken.
        run: the run that holds it.
        before: how many turns come before the one that the run makes.
        input: the name of the flow's input that the conversation goes to.
        question: what is asked.
    """

    def __init__(
        self,
        threads: Threads,
        thread: Thread,
        run: str,
        before: int,
        input: str,
        question: tuple[Message, ...],
    ) -> None:
        self.thread, self.run, self.before, self.input = thread, run, before, input
        self._threads, self._question = threads, question
        self._released = False
        self._turns: list[ThreadTurn] | None = None
        self._store = threads.history.store
        self._table = self._store.table("threads")

    @property
    def history(self) -> History:
        """Where the thread is kept."""
        return self._threads.history

    def turns(self) -> list[ThreadTurn]:
        """The turns before this one, read once: a long conversation takes a while."""
        if self._turns is None:
            self._turns = self._threads.turns(self.thread.id, up_to=self.before)
        return self._turns

    def ending(self, db: Any, event: RunEnd) -> None:
        """Add the turn of a run that ended well, in the transaction that records its end."""
        mine = (self._table.c.id == self.thread.id) & (self._table.c.run == self.run)
        free: dict[str, Any] = {"run": "", "process": "", "updated_at": event.at}
        if not isinstance(event, RunFinished) or not event.outputs:
            db.execute(self._table.update().where(mine).values(**free))
            return
        number = self.before + 1
        title = self.thread.title or self._threads.title_of(self._asked())
        free |= {"turns": number, "title": title}
        if db.execute(self._table.update().where(mine).values(**free)).rowcount == 0:
            return  # deleted, or taken from a process that seemed dead
        of = self._store.table("turns")
        self._keep_replaced(db, number)
        db.execute(of.delete().where(of.c.thread == self.thread.id, of.c.number >= number))
        turn = ThreadTurn(number, self._question, answer_of(event.outputs), self.run, event.at)
        db.execute(of.insert().values(thread=self.thread.id, **turn_row(turn)))

    def said(self) -> SaidBefore | None:
        """What was said before, for the record of the run."""
        from patchbay.flows.runs.said_before import SaidBefore

        return SaidBefore.of(self.turns())

    def _keep_replaced(self, db: Any, number: int) -> None:
        import sqlalchemy as sa

        of, to = self._store.table("turns"), self._store.table("replaced_turns")
        picked = sa.select(*(of.c[column.name] for column in to.columns))
        picked = picked.where(of.c.thread == self.thread.id, of.c.number >= number)
        db.execute(to.insert().from_select([column.name for column in to.columns], picked))

    def release(self) -> None:
        """Let go of the thread, where the end of the run has not done so.

        A run that sleeps until somebody answers keeps it: then no process has it. Once is enough:
        whoever has gone on with the run holds it anew.
        """
        if self._released:
            return
        self._released = True
        _at_work.discard(self.run)
        of, runs = self._table, self._store.table("runs")
        mine = of.update().where(of.c.id == self.thread.id, of.c.run == self.run)

        def work(db: Any) -> None:
            if db.execute(mine.values(process="")).rowcount:
                row = db.execute(runs.select().where(runs.c.id == self.run)).first()
                if row is None or row.status != "waiting":
                    db.execute(mine.values(run=""))

        with contextlib.suppress(FlowError):
            self._store.do(work, write=True)

    @contextlib.asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Say now and then that the holder lives, for processes on other machines."""

        async def say() -> None:
            of = self._table
            alive = of.update().where(of.c.id == self.thread.id, of.c.run == self.run)

            def work(db: Any) -> None:
                db.execute(alive.values(held_at=time.time()))

            while True:
                await asyncio.sleep(_SAID_EVERY_S)
                with contextlib.suppress(FlowError):
                    await whole_in_thread(partial(self._store.do, work, write=True))

        saying = asyncio.create_task(say())
        try:
            yield
        finally:
            saying.cancel()
            self.release()

    def _asked(self) -> str:
        return " ".join(message.content for message in self._question)


def answer_of(outputs: dict[str, Any]) -> str:
    """What a run answered: its one output as text, or all of them by name."""
    if len(outputs) == 1:
        return as_text(next(iter(outputs.values())))
    return "\n\n".join(f"{name}: {as_text(value)}" for name, value in outputs.items())


def take(
    threads: Threads,
    thread: Thread,
    run: str,
    input: str,
    question: tuple[Message, ...],
    *,
    again: bool = False,
    before: int | None = None,
) -> Hold:
    """Take a thread for a run. Of several processes that try at once one gets it.

    Args:
        threads: the store.
        thread: the thread.
        run: the run that is to hold it.
        input: the name of the flow's input that the conversation goes to.
        question: what is asked.
        again: whether the last turn is made anew.
        before: the turns that a resumed run had before it; it must find as many.

    Raises:
        FlowError: another run is at work in it (`thread/busy`), or it has been deleted.
    """
    store = threads.history.store
    of, runs = store.table("threads"), store.table("thread_runs")

    def work(db: Any) -> Hold | Thread | None:
        mine = {"run": run, "process": this_process(), "held_at": time.time()}
        # Written first: of two that read first, both would find it free.
        db.execute(of.update().where(of.c.id == thread.id).values(updated_at=of.c.updated_at))
        row = db.execute(of.select().where(of.c.id == thread.id)).first()
        if row is None:
            return None
        found = Thread(**{name: row._mapping[name] for name in Thread.__slots__})
        if found.run not in ("", run) and _lives(db, store, row._mapping):
            return found
        turns = found.turns - (1 if again and found.turns else 0)
        if before is not None and before != turns:
            raise gone_on(found)
        db.execute(of.update().where(of.c.id == thread.id).values(**mine))
        db.execute(runs.delete().where(runs.c.run == run))
        facts = {"run": run, "thread": thread.id, "before": turns, "input": input, "again": again}
        db.execute(runs.insert().values(**facts))
        return Hold(threads, found, run, turns, input, question)

    got = store.do(work, write=True)
    if isinstance(got, Hold):
        _at_work.add(run)
        return got
    if got is None:
        raise unknown(thread.id, [known.id for known in threads.listed(limit=20)])
    raise busy(got)


async def taken(*args: Any, **more: Any) -> Hold:
    """Take a thread, beside the loop. Arguments as for `take`.

    Raises:
        FlowError: another run is at work in it, or it has been deleted.
    """
    held: list[Hold] = []
    try:
        await whole_in_thread(lambda: held.append(take(*args, **more)))
    except asyncio.CancelledError:
        for hold in held:
            hold.release()
        raise
    return held[0]


async def waited(threads: Threads, thread: Thread, run: str, *args: Any, **more: Any) -> Hold:
    """Take a thread as soon as it is free. Arguments as for `take`.

    Raises:
        FlowError: it has been deleted.
    """
    while True:
        try:
            return await taken(threads, thread, run, *args, **more)
        except FlowError as error:
            if error.problems[0].code != "thread/busy":
                raise
        await asyncio.sleep(_LOOK_EVERY_S)


def is_held(db: Any, store: Any, thread: str) -> Thread | None:
    """The thread, if a run that lives holds it. Takes the lock for writing."""
    of = store.table("threads")
    db.execute(of.update().where(of.c.id == thread).values(updated_at=of.c.updated_at))
    row = db.execute(of.select().where(of.c.id == thread)).first()
    if row is None or not row.run or not _lives(db, store, row._mapping):
        return None
    return Thread(**{name: row._mapping[name] for name in Thread.__slots__})


def busy(thread: Thread) -> FlowError:
    """Another run is at work in the thread."""
    return FlowError(
        [
            Problem(
                "thread/busy",
                f'The run "{thread.run}" is at work in the thread "{thread.id}", and only one at '
                "a time may be.",
                "Wait until it has ended, stop it, or branch the thread. If it asks something: "
                f"patchbay answer {thread.run}.",
            )
        ]
    )


def gone_on(thread: Thread) -> FlowError:
    """The thread is not any more as the run left it."""
    return FlowError(
        [
            Problem(
                "thread/gone-on",
                f'The thread "{thread.id}" has gone on since this run stopped.',
                "Ask again in the thread as it is now.",
            )
        ]
    )


def _lives(db: Any, store: Any, row: Any) -> bool:
    """Whether the holder of a thread may still be at work, or waits for an answer."""
    if not row["process"]:
        runs = store.table("runs")
        held = db.execute(runs.select().where(runs.c.id == row["run"])).first()
        return held is not None and held.status == "waiting"
    if row["process"] == this_process():
        return row["run"] in _at_work
    if not is_of_this_host(row["process"]):
        return bool(time.time() - row["held_at"] < ELSEWHERE_S)
    return is_alive(row["process"])
