"""`ctx.ask` as the engine does it: an answer that is there, or a question put and the task's end.

A question has a place: the path of its node, its lane, and its count within the lane. A node that
begins anew comes to the same places, and finds the answers there. What is asked counts as well: an
answer never serves for another question than the one that the person saw.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from patchbay.flows.problems import FlowError
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import Event, NodeAnswered, NodeAsked, RunWaiting
from patchbay.nodes.errors import NodeError, Suspended
from patchbay.nodes.questions import Question, Reply, answer_of, question_of
from patchbay.nodes.threads import whole_in_thread

Asker = Callable[[NodeAsked, Question], Awaitable[Reply]]
"""Asks a person at once, such as at the terminal."""

DEADLINE = "the deadline"
"""The author of an answer that was taken because nobody gave one in time."""
MOST_WORDS = 200
NOBODY_FIX = (
    "Record the run (--record), so that it can wait and be answered with `patchbay answer`; or "
    "start it at a terminal, which then asks."
)


class Together:
    """Those who put questions at the same moment do so in turn, and go on at the same moment.

    A node may ask several people at once, in tasks of a group that ends with the first one that
    waits: the others are asked by then.
    """

    def __init__(self) -> None:
        self._putting = 0
        self._turn = asyncio.Lock()
        self._waiting: list[asyncio.Future[None]] = []

    async def __aenter__(self) -> None:
        self._putting += 1
        try:
            await self._turn.acquire()
        except BaseException:
            self._leave()
            raise

    async def __aexit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._turn.release()
        if error is None:
            self._waiting.append(one := asyncio.get_running_loop().create_future())
        self._leave()
        if error is None:
            # The last one does not overtake those that waited for it.
            await (asyncio.sleep(0) if one.done() else one)

    def _leave(self) -> None:
        self._putting -= 1
        if self._putting:
            return
        for one in self._waiting:
            if not one.done():
                one.set_result(None)
        self._waiting.clear()


class Desk(Protocol):
    """Where the questions of a run lie until somebody answers them."""

    expected: bool
    """Whether something in the run may ask: what is done before is then found again."""
    listeners: set[Callable[[], None]]
    """Called when there are new answers, on the thread of the run."""
    together: Together
    """Those who put questions just now."""

    def digest_of(self, question: str) -> str | None:
        """The digest of the question with this id; None where none has been asked."""

    def answer_to(self, question: str) -> dict[str, Any] | None:
        """The stored form of its answer, as far as this run has heard of it."""

    def put(self, event: NodeAsked, digest: str) -> None:
        """Keep a question. Raises `FlowError` where that cannot be done. Blocks."""

    def withdraw(self, question: str) -> None:
        """Nobody needs the answer any more. Blocks."""

    def refresh(self) -> list[NodeAnswered]:
        """What has been answered since the last look, deadlines that have passed too. Blocks."""

    def sleep(self, event: RunWaiting) -> bool:
        """Put the run to sleep, unless there is an answer that it has not heard of. Blocks."""

    def stop(self) -> bool:
        """Stop the run that sleeps, unless somebody has gone on with it. Whether that was done.
        Blocks."""

    def stored(self) -> Mapping[str, Any]:
        """What the nodes of the run have given so far, by path."""


async def ask(
    path: str,
    place: str,
    question: Question,
    env: Environment,
    emit: Callable[[Event], None],
) -> Reply:
    """The answer to a question of a node.

    Args:
        path: the node's.
        place: where in the run it is asked.
        question: what is asked.
        env: where it can be answered.
        emit: takes the events.

    Raises:
        Suspended: there is none yet.
        NodeError: it came too late, or nobody can be asked.
    """
    asks = env.secrets.redact(question.as_json())
    seen = question_of(asks, env.catalog.value_types)  # what the person sees is what is asked
    now = time.time()
    until = None if seen.within_s is None else now + seen.within_s
    if env.asker is not None:
        event = NodeAsked(at=now, node=path, question=place, asks=asks, until=until)
        emit(event)
        answer = await env.asker(event, seen)
        emit(_answered(event, answer))
        return _in_time(answer, seen)
    if env.desk is None:
        raise NodeError(
            f"It asks a person ({_short(seen.title)}), and nobody can be asked.",
            fix=NOBODY_FIX,
            code="question/nobody",
            retry=False,
        )
    return await _at_desk(path, place, seen, asks, until, env, emit)


async def _at_desk(
    path: str,
    place: str,
    question: Question,
    asks: dict[str, Any],
    until: float | None,
    env: Environment,
    emit: Callable[[Event], None],
) -> Reply:
    desk = env.desk
    assert desk is not None  # noqa: S101 - asked for by the caller
    digest, name, number = question.digest, place, 1
    while (known := desk.digest_of(name)) not in (None, digest):
        await whole_in_thread(desk.withdraw, name)
        number += 1
        name = f"{place}~{number}"
    if given := desk.answer_to(name):
        return _in_time(answer_of(given, env.catalog.value_types), question)
    event = NodeAsked(at=time.time(), node=path, question=name, asks=asks, until=until)
    async with desk.together:
        if known is None:
            await _put(desk, event, digest)
        emit(event)
    raise Suspended((name,))


async def _put(desk: Desk, event: NodeAsked, digest: str) -> None:
    try:
        await whole_in_thread(desk.put, event, digest)
    except FlowError as error:
        first = error.problems[0]
        raise NodeError(
            f"The question cannot be kept: {first.message}",
            fix=first.fix,
            code=first.code,
            retry=False,
        ) from error


def _answered(event: NodeAsked, answer: Reply) -> NodeAnswered:
    return NodeAnswered(
        at=answer.at,
        node=event.node,
        question=event.question,
        author=answer.author,
        answer=answer.as_json(),
    )


def _in_time(answer: Reply, question: Question) -> Reply:
    if not answer.late or question.has_default:
        return answer
    whom = f" ({question.whom})" if question.whom else ""
    raise NodeError(
        f"Nobody{whom} answered in time: {_short(question.title)}",
        fix="Give it more time, or a default answer.",
        code="question/expired",
        retry=False,
    )


def _short(title: str) -> str:
    return title if len(title) <= MOST_WORDS else title[: MOST_WORDS - 1] + "…"
