"""Conversations that stay: threads and their turns, stored with the runs in the history."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.wording import UNSAFE, did_you_mean, printable
from patchbay.nodes.values import Message

if TYPE_CHECKING:
    from patchbay.flows.runs.history import History

_ID = re.compile(r"[^\W_][\w.-]{0,63}")
LONGEST_TITLE = 200
_TITLE_OF_QUESTION = 60
"""Characters of the first question that become the title of a thread that has none."""


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation. Times are Unix times in seconds.

    `flow` is the name of the flow it is held with and `place` the path of its file, "" for one that
    has none; `person` is whose it is, "" for anybody on this machine; `branch_of` is the thread and
    the turn that it was branched from, `ada/3`; `run` is the run that holds it now.
    """

    id: str
    title: str
    flow: str
    place: str
    person: str
    created_at: float
    updated_at: float
    turns: int
    branch_of: str
    run: str


@dataclass(frozen=True, slots=True)
class ThreadTurn:
    """A question and its answer; `number` counts from 1. One that is `damaged` cannot be read."""

    number: int
    question: tuple[Message, ...]
    answer: str
    run: str
    at: float
    damaged: bool = False

    @property
    def asked(self) -> str:
        """The question as text."""
        return "\n\n".join(message.content for message in self.question)

    @property
    def messages(self) -> tuple[Message, ...]:
        """The turn as a flow gets it."""
        if self.damaged:
            return ()
        return (*self.question, Message(role="assistant", content=self.answer))


class Threads:
    """The threads of a history.

    Args:
        history: the store that they are in, with the runs.

    Raises:
        FlowError: the disk refuses; so it goes with every method.
    """

    def __init__(self, history: History) -> None:
        self.history = history
        self._store = history.store
        self._threads = self._store.table("threads")
        self._turns = self._store.table("turns")

    # --- looking ------------------------------------------------------------------------------

    def listed(
        self,
        search: str = "",
        *,
        place: str | None = None,
        people: Iterable[str] | None = None,
        limit: int = 1000,
    ) -> list[Thread]:
        """Threads, the one that was used last first.

        Args:
            search: a text that stands in the title, the id, a question or an answer.
            place: only those held with the flow of this path (or name, where it has no path).
            people: only those of these people; "" is of nobody named.
            limit: how many at most.
        """
        of, turns = self._threads, self._turns
        query = of.select().order_by(of.c.updated_at.desc(), of.c.id)
        if place is not None:
            query = query.where(of.c.place == place)
        if people is not None:
            query = query.where(of.c.person.in_(list(people)))
        wanted = " ".join(search.split()).casefold()
        if not wanted:
            query = query.limit(limit)
        saying = turns.select().with_only_columns(turns.c.thread).distinct()
        saying = saying.where(_holds(turns.c.words, wanted))

        def work(db: Any) -> list[Thread]:
            found = [_thread(row._mapping) for row in db.execute(query)]
            if not wanted:
                return found
            said = {row.thread for row in db.execute(saying)}
            return [t for t in found if t.id in said or wanted in f"{t.title}\n{t.id}".casefold()]

        return self._store.do(work)[:limit]

    def find(self, thread: str) -> Thread | None:
        """A thread by id, if there is one."""
        query = self._threads.select().where(self._threads.c.id == thread)
        row = self._store.do(lambda db: db.execute(query).first())
        return None if row is None else _thread(row._mapping)

    def get(self, thread: str) -> Thread:
        """A thread by id.

        Raises:
            FlowError: there is none, or none any more.
        """
        found = self.find(thread)
        if found is None:
            raise unknown(thread, [known.id for known in self.listed()])
        return found

    def turns(self, thread: str, up_to: int | None = None) -> list[ThreadTurn]:
        """The turns of a thread in order; `up_to` leaves out those after that number."""
        of = self._turns
        query = of.select().where(of.c.thread == thread).order_by(of.c.number)
        if up_to is not None:
            query = query.where(of.c.number <= up_to)
        return self._store.do(lambda db: [turn_of_row(row._mapping) for row in db.execute(query)])

    # --- changing -----------------------------------------------------------------------------

    def start(
        self,
        thread: str | None = None,
        *,
        title: str = "",
        flow: str = "",
        place: str = "",
        person: str = "",
        branch_of: str = "",
    ) -> Thread:
        """Begin a thread; without an id it gets one.

        Raises:
            FlowError: the id is none, or there is a thread of that id already.
        """
        import sqlalchemy as sa

        made = Thread(
            checked_id(thread) if thread is not None else new_thread_id(),
            checked_title(title) if title else "",
            flow, place, person, time.time(), time.time(), 0, branch_of, "",
        )  # fmt: skip
        row = {name: getattr(made, name) for name in made.__slots__}
        try:
            self._store.do(lambda db: db.execute(self._threads.insert().values(**row)), write=True)
        except sa.exc.IntegrityError:
            raise FlowError(
                [
                    Problem(
                        "thread/exists",
                        f'There is a thread "{made.id}" already.',
                        "Choose another id, or go on with that one.",
                    )
                ]
            ) from None
        return made

    def rename(self, thread: str, title: str) -> Thread:
        """Give a thread another title; its id stays.

        Raises:
            FlowError: there is no such thread, or the title says nothing.
        """
        self.get(thread)
        change = self._threads.update().where(self._threads.c.id == thread)
        values = change.values(title=checked_title(title))
        self._store.do(lambda db: db.execute(values), write=True)
        return self.get(thread)

    def branch(self, thread: str, turn: int, new: str | None = None) -> Thread:
        """A new thread that holds the turns of another up to `turn`, and goes its own way.

        Raises:
            FlowError: there is no such thread or turn.
        """
        origin = self.get(thread)
        kept = [t for t in self.turns(thread, up_to=turn) if turn >= 1]
        if not kept or kept[-1].number != turn:
            raise no_turn(origin, turn)
        made = self.start(
            new,
            title=f"{origin.title or origin.id} (branch)"[:LONGEST_TITLE],
            flow=origin.flow,
            place=origin.place,
            person=origin.person,
            branch_of=f"{origin.id}/{turn}",
        )
        of, old = self._turns, self._turns
        names = [column.name for column in of.columns if column.name != "thread"]

        def copy(db: Any) -> None:
            import sqlalchemy as sa

            db.execute(
                self._threads.update().where(self._threads.c.id == made.id).values(turns=len(kept))
            )
            picked = sa.select(sa.literal(made.id), *(old.c[name] for name in names))
            picked = picked.where(old.c.thread == thread, old.c.number <= turn)
            db.execute(of.insert().from_select(["thread", *names], picked))

        self._store.do(copy, write=True)
        return self.get(made.id)

    def title_of(self, question: str) -> str:
        """The title of a thread that begins with this question."""
        line = UNSAFE.sub(" ", " ".join(question.split()))
        return line if len(line) <= _TITLE_OF_QUESTION else f"{line[: _TITLE_OF_QUESTION - 1]}…"


# --- names ----------------------------------------------------------------------------------------


def checked_id(thread: str) -> str:
    """An id that may be one.

    Raises:
        FlowError: it is none.
    """
    if _ID.fullmatch(thread):
        return thread
    better = re.sub(r"[^\w.-]+", "-", thread).strip("-._")[:64]
    raise FlowError(
        [
            Problem(
                "thread/id",
                f'"{printable(thread)}" cannot be the id of a thread: an id has at most 64 '
                "letters, digits, dashes, dots and _, and begins with a letter or digit.",
                f"Call it {better}; any title can be given to it." if better else "Call it ada.",
            )
        ]
    )


def checked_title(title: str) -> str:
    """A title as it is kept: one line. It is never a path, whatever it looks like.

    Raises:
        FlowError: it says nothing, or is too long.
    """
    line = " ".join(UNSAFE.sub(" ", title).split())
    if line and len(line) <= LONGEST_TITLE:
        return line
    said = f"has {len(line)} characters" if line else "is empty"
    fix = f"Give one of 1 to {LONGEST_TITLE} characters."
    raise FlowError([Problem("thread/title", f"The title of the thread {said}.", fix)])


def new_thread_id() -> str:
    """A readable id that sorts by time."""
    import secrets

    return time.strftime("%Y%m%d-%H%M%S-", time.gmtime()) + secrets.token_hex(3)


def unknown(thread: str, known: list[str]) -> FlowError:
    """There is no thread of that id; `known` are those that there are, the latest first."""
    latest = ", ".join(known[:5])
    otherwise = f"The latest are: {latest}." if latest else "There are no threads yet."
    fix = did_you_mean(thread, known[:1000], otherwise)
    message = f'There is no thread "{printable(thread)}", or it has been deleted.'
    return FlowError([Problem("thread/unknown", message, fix)])


def no_turn(thread: Thread, turn: int) -> FlowError:
    """The thread has no such turn."""
    there = f"It has the turns 1 to {thread.turns}." if thread.turns else "It has no turns yet."
    message = f'The thread "{thread.id}" has no turn {turn}.'
    return FlowError([Problem("thread/turn", message, there)])


# --- stored form ----------------------------------------------------------------------------------


def turn_row(turn: ThreadTurn) -> dict[str, Any]:
    """A turn as a row of its table, without its thread."""
    question = [{"role": m.role, "content": m.content} for m in turn.question]
    return {
        "number": turn.number,
        "question": json.dumps(question, ensure_ascii=True),
        "answer": json.dumps(turn.answer, ensure_ascii=True),
        "words": " ".join(f"{turn.asked} {turn.answer}".split()).casefold(),
        "run": turn.run,
        "at": turn.at,
    }


def turn_of_row(row: Mapping[Any, Any]) -> ThreadTurn:
    """A turn from its row; one that cannot be read is damaged."""
    about = (row["run"], row["at"])
    try:
        question = tuple(Message.model_validate(item) for item in json.loads(row["question"]))
        answer = json.loads(row["answer"])
        if not isinstance(answer, str):
            raise TypeError("the answer is no text")
    except (ValueError, TypeError):
        return ThreadTurn(row["number"], (), "", *about, damaged=True)
    return ThreadTurn(row["number"], question, answer, *about)


def _thread(row: Mapping[Any, Any]) -> Thread:
    return Thread(**{name: row[name] for name in Thread.__slots__})


def _holds(column: Any, text: str) -> Any:
    """Whether a column of small letters holds a text, whatever signs are in it."""
    escaped = re.sub(r"([\\%_])", r"\\\1", text)
    return column.like(f"%{escaped}%", escape="\\")
