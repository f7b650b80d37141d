"""Open questions of all recorded runs, and their answers: each is recorded exactly once.

Questions and answers are rows of their own beside the events, since several processes meet here:
the run that asks, and whoever answers. What must not go wrong between them is one transaction: an
answer and the claim on a sleeping run; falling asleep and the look for answers.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.asking import DEADLINE
from patchbay.flows.runs.events import NodeAnswered, NodeAsked, RunWaiting, as_json
from patchbay.flows.runs.leases import this_process
from patchbay.flows.runs.sizing import add_event
from patchbay.nodes.questions import Question, Reply, question_of
from patchbay.nodes.units import date
from patchbay.nodes.values import Value

if TYPE_CHECKING:
    from patchbay.flows.runs.leases import Leases
    from patchbay.flows.runs.store import Store

LIVE = ("running", "waiting")
"""Statuses of runs whose questions can be answered."""
ENDED = {"finished": "finished", "failed": "failed", "cancelled": "been stopped"}
"""The other statuses, as a run "has" them in a sentence."""


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question of a recorded run. Times are Unix times in seconds.

    `id` is unique within the run; `flow` is the name of the flow, `until` when it is too late.
    """

    run: str
    flow: str
    id: str
    node: str
    asks: dict[str, Any]
    digest: str
    asked_at: float
    until: float | None

    @property
    def title(self) -> str:
        """What is asked, in one line."""
        return str(self.asks["title"])

    @property
    def whom(self) -> str:
        """Whom it is for, in words."""
        return str(self.asks["whom"])

    def question(self, types: Mapping[str, type[Value]] | None = None) -> Question:
        """The question as a value. Raises `ValueError` where a plugin is missing."""
        return question_of(self.asks, types)

    def as_dict(self) -> dict[str, Any]:
        """The plain form, for `--json`."""
        return {
            "run": self.run,
            "flow": self.flow,
            "question": self.id,
            "node": self.node,
            **self.asks,
            "asked_at": self.asked_at,
            "until": self.until,
        }


class AlreadyAnsweredError(FlowError):
    """Somebody was faster: `author` answered at `at` (Unix time in seconds)."""

    def __init__(self, question: str, author: str, at: float, said: str) -> None:
        self.author, self.at = author, at
        when = date(at, clock=True)
        message = f'The question "{question}" has been answered already, by {author} on {when}: '
        fix = "Nothing was changed. Look at the run: patchbay runs RUN."
        super().__init__([Problem("question/answered", message + said, fix)])


class RunEndedError(FlowError):
    """The run of the question has ended meanwhile."""

    def __init__(self, run: str, status: str) -> None:
        message = f'The run "{run}" has {ENDED[status]}; nobody waits for an answer.'
        fix = "Run the flow again."
        if status != "finished":
            fix = f"Go on with it: patchbay run --resume {run}"
        super().__init__([Problem("question/ended", message, fix)])


class _UnheardError(FlowError):
    """The run may not sleep: there is an answer that it has not heard of."""

    def __init__(self) -> None:
        super().__init__([])


class Inbox:
    """The questions and answers in a store. A property of `History`; not made by itself."""

    def __init__(self, store: Store, leases: Leases) -> None:
        self._store, self._leases = store, leases
        self._runs, self._events = store.table("runs"), store.table("events")
        self._questions, self._answers = store.table("questions"), store.table("answers")

    # --- looking ------------------------------------------------------------------------------

    def open(self, run: str | None = None) -> list[OpenQuestion]:
        """The questions that can be answered now, the oldest first."""
        of_run = self._questions.c.run == run
        return self._found(self._open if run is None else self._open.where(of_run))

    @cached_property
    def _open(self) -> Any:
        """The query, built once: it is asked again and again while runs wait."""
        q, a, r = self._questions.c, self._answers.c, self._runs.c
        answered = (a.run == q.run) & (a.question == q.id)
        return (
            self._query()
            .outerjoin_from(self._questions, self._answers, answered)
            .where(a.question.is_(None), q.withdrawn.is_(False), r.status.in_(LIVE))
        )

    def due(self, now: float) -> list[str]:
        """The runs with a question whose deadline has passed."""
        q = self._questions.c
        query = self._open.with_only_columns(q.run).where(q.until <= now).order_by(None).distinct()
        return self._store.do(lambda db: [row.run for row in db.execute(query)])

    def of_run(self, run: str) -> list[OpenQuestion]:
        """All questions that a run has asked, also those that are answered."""
        return self._found(self._query().where(self._questions.c.run == run))

    def answers_of(self, run: str) -> dict[str, dict[str, Any]]:
        """The answers of a run in their stored form, by question."""
        query = self._answers.select().where(self._answers.c.run == run)
        return self._store.do(
            lambda db: {row.question: json.loads(row.data) for row in db.execute(query)}
        )

    def answered_asleep(self) -> list[str]:
        """Runs that sleep although somebody has answered: they can go on."""
        a, r = self._answers.c, self._runs.c
        query = (
            self._runs.select()
            .with_only_columns(r.id)
            .distinct()
            .join_from(self._runs, self._answers, a.run == r.id)
            .where(r.status == "waiting", a.heard.is_(False))
        )
        return self._store.do(lambda db: [row.id for row in db.execute(query)])

    def _query(self) -> Any:
        q, r = self._questions.c, self._runs.c
        return (
            self._questions.select()
            .add_columns(r.name)
            .join_from(self._questions, self._runs, q.run == r.id)
            .order_by(q.asked_at, q.id)
        )

    def _found(self, query: Any) -> list[OpenQuestion]:
        return self._store.do(lambda db: [_question(row) for row in db.execute(query)])

    # --- of the run that asks -----------------------------------------------------------------

    def put(self, run: str, event: NodeAsked, digest: str) -> None:
        """Keep a question, with its event.

        Raises:
            FlowError: the disk refuses, or the run is not recorded: nobody would find it.
        """
        r = self._runs.c
        of_run = self._runs.select().with_only_columns(r.id).where(r.id == run)

        def write(db: Any) -> None:
            if db.execute(of_run).first() is None:
                raise _unrecorded(run)
            db.execute(
                self._questions.insert().values(
                    run=run,
                    id=event.question,
                    node=event.node,
                    digest=digest,
                    asked_at=event.at,
                    until=event.until,
                    withdrawn=False,
                    data=dump(event.asks),
                )
            )
            self._event(db, run, event)

        self._store.do(write, write=True)

    def withdraw(self, run: str, question: str) -> None:
        """A question that nobody needs to answer any more."""
        q = self._questions.c
        change = self._questions.update().where(q.run == run, q.id == question)
        self._store.do(lambda db: db.execute(change.values(withdrawn=True)), write=True)

    def hear(self, run: str, known: Collection[str] = ()) -> dict[str, dict[str, Any]]:
        """The answers that are not known yet, in their stored form, by question."""
        a = self._answers.c
        query = self._answers.select().where(a.run == run).order_by(a.at)
        rows = self._store.do(lambda db: db.execute(query).fetchall())
        if any(not row.heard for row in rows):
            change = self._answers.update().where(a.run == run).values(heard=True)
            self._store.do(lambda db: db.execute(change), write=True)
        return {row.question: json.loads(row.data) for row in rows if row.question not in known}

    def sleep(self, run: str, event: RunWaiting) -> bool:
        """Record that the run waits, unless one of its questions has been answered meanwhile."""
        import sqlalchemy as sa

        a, of_run = self._answers.c, self._runs.c.id == run
        row = {"status": "waiting", "seconds": event.seconds, "tokens": event.tokens.total}
        answered = sa.select(sa.func.count()).where(a.run == run, a.question.in_(event.questions))

        def write(db: Any) -> None:  # writes first, so that nobody answers in between
            db.execute(self._runs.update().where(of_run).values(**row))
            if db.execute(answered).scalar():
                raise _UnheardError
            self._event(db, run, event)

        try:
            self._store.do(write, write=True)
        except _UnheardError:
            return False
        return True

    # --- of those who answer ------------------------------------------------------------------

    def answer(self, asked: OpenQuestion, answer: Reply) -> bool:
        """Record an answer, and wake its run where nobody has it.

        Returns:
            Whether the run is now this process's to go on with. False: another process has it, and
            will hear of the answer.

        Raises:
            AlreadyAnsweredError: somebody was faster.
            RunEndedError: the run was stopped meanwhile.
            FlowError: the disk refuses; nothing was changed.
        """
        before, gone = self._process(asked.run)
        r, me = self._runs.c, this_process()

        def write(db: Any) -> bool:
            self._insert(db, asked, answer.as_json())
            self._leases.take(db)
            claim = (
                self._runs.update().where(r.id == asked.run).values(status="running", process=me)
            )
            mine = db.execute(claim.where(r.status == "waiting")).rowcount
            if not mine and gone:
                mine = db.execute(claim.where(r.status == "running", r.process == before)).rowcount
            if not mine and (ended := self._ended(db, asked.run)):
                raise RunEndedError(asked.run, ended)
            return bool(mine)

        try:
            return self._store.do(write, write=True)
        except AlreadyAnsweredError:
            raise self._answered(asked) from None

    def take_due(self, now: float, run: str | None = None) -> list[OpenQuestion]:
        """Answer the questions whose deadline has passed, by their defaults, as of the deadline."""
        q, taken = self._questions.c, []
        due = self._open.where(q.until <= now)
        for asked in self._found(due if run is None else due.where(q.run == run)):
            answer = Reply(None, DEADLINE, asked.until or now, late=True).as_json()
            answer["value"] = asked.asks.get("default")  # in its stored form as it is
            write = functools.partial(self._insert, asked=asked, data=answer)
            try:
                self._store.do(write, write=True)
            except AlreadyAnsweredError:
                continue
            taken.append(asked)
        return taken

    def _insert(self, db: Any, asked: OpenQuestion, data: dict[str, Any]) -> None:
        import sqlalchemy as sa

        self._alone(db, asked.run)
        try:
            db.execute(
                self._answers.insert().values(
                    run=asked.run,
                    question=asked.id,
                    author=data["author"],
                    at=data["at"],
                    heard=False,
                    data=dump(data),
                )
            )
        except sa.exc.IntegrityError:
            raise AlreadyAnsweredError(asked.id, "", 0.0, "") from None
        event = NodeAnswered(
            at=data["at"],
            node=asked.node,
            question=asked.id,
            author=data["author"],
            answer=data,
        )
        self._event(db, asked.run, event)

    def _alone(self, db: Any, run: str) -> None:
        """Let nothing else happen to the run in between. SQLite has one writer at a time; on a
        server, a run could otherwise fall asleep beside an answer, and neither see the other."""
        if db.dialect.name != "sqlite":
            r = self._runs.c
            db.execute(
                self._runs.select()
                .with_only_columns(r.id)
                .where(r.id == run)
                .with_for_update(key_share=True)
            )

    def _answered(self, asked: OpenQuestion) -> AlreadyAnsweredError:
        data = self.answers_of(asked.run)[asked.id]
        return AlreadyAnsweredError(asked.id, data["author"], data["at"], said(data))

    def _ended(self, db: Any, run: str) -> str | None:
        """How a run has ended; None where it has not."""
        r = self._runs.c
        query = self._runs.select().with_only_columns(r.status).where(r.id == run)
        status = db.execute(query).scalar()
        return status if status in ENDED else None

    def _process(self, run: str) -> tuple[str | None, bool]:
        """The process that has a run, and whether it is gone."""
        r = self._runs.c
        query = self._runs.select().with_only_columns(r.process).where(r.id == run)

        def read(db: Any) -> tuple[str | None, bool]:
            process = db.execute(query).scalar()
            return process, process is not None and not self._leases.live(db, process)

        return self._store.do(read)

    def _event(self, db: Any, run: str, event: NodeAsked | NodeAnswered | RunWaiting) -> None:
        add_event(db, self._events, self._store.table("run_sizes"), run, as_json(event))


def _unrecorded(run: str) -> FlowError:
    message = f'The run "{run}" is not recorded: what it asks would be found by nobody.'
    fix = "Run the flow again when the history can be written."
    return FlowError([Problem("history/unwritable", message, fix)])


def said(answer: Mapping[str, Any]) -> str:
    """An answer of the stored form in a few words."""
    value = answer["value"]
    word = {True: "approved", False: "rejected"}.get(value) if isinstance(value, bool) else None
    if word is None:
        word = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    comment = f" ({answer['comment']})" if answer.get("comment") else ""
    return f"{word if len(word) <= 120 else word[:119] + '…'}{comment}"


def _question(row: Any) -> OpenQuestion:
    return OpenQuestion(
        run=row.run,
        flow=row.name,
        id=row.id,
        node=row.node,
        asks=json.loads(row.data),
        digest=row.digest,
        asked_at=row.asked_at,
        until=row.until,
    )


def dump(data: Any) -> str:
    """Data as it stands in a row."""
    return json.dumps(data, ensure_ascii=True)
