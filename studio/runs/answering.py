"""Answers of people to what runs ask, and runs that go on by them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from patchbay.flows.problems import FlowError
from patchbay.flows.runs.answers import find, give, refused

if TYPE_CHECKING:
    from patchbay.flows.runs.inbox import OpenQuestion
    from patchbay.nodes.values import Value
    from patchbay.studio.runs.runner import Runner


def answer(
    runner: Runner, run_id: str, question: str, value: Any, owner: str, *, comment: str = ""
) -> bool:
    """Answer a question. Where nobody has the run, it goes on here.

    Returns:
        Whether it goes on here, now or already.

    Raises:
        FlowError: it is no answer, somebody was faster, or the disk refuses.
    """
    asked = find(runner.history(), run_id, question)
    return _give(runner, asked, value, owner, comment, _types(runner))


def take(runner: Runner, run_id: str, given: Mapping[str, Any], owner: str) -> bool:
    """Answer a question with what a browser sends: its id as `question`, and a `GivenReply`.

    Returns and raises: as `answer`.
    """
    from patchbay.flows.runs.results import reply_value

    reply = {name: value for name, value in given.items() if name != "question"}
    id = given.get("question")
    asked = find(runner.history(), run_id, id if isinstance(id, str) else None)
    types = _types(runner)
    question = asked.question(types)
    try:
        value, why = reply_value(reply, question)  # type: ignore[arg-type]
    except ValueError as error:
        raise refused(question, asked.id, str(error)) from None
    comment = str(given.get("comment") or "") or why
    return _give(runner, asked, value, owner, comment.strip(), types)


def _types(runner: Runner) -> Mapping[str, type[Value]]:
    return runner.environment(None).catalog.value_types


def _give(
    runner: Runner,
    asked: OpenQuestion,
    value: Any,
    owner: str,
    comment: str,
    types: Mapping[str, type[Value]],
) -> bool:
    history = runner.history()
    mine = give(history, asked, value, comment=comment, types=types)
    live = runner.get(asked.run)
    if live and live.active:
        live.run.nudge()
        return True
    if mine:
        runner.resume(history.get(asked.run), owner, claimed=True)
    return mine


def go_on(runner: Runner, owner: str) -> None:
    """Take the deadlines that have passed, and go on with the runs that are answered."""
    if not runner.records:
        return
    history, owners = runner.history(), runner.owners()
    history.inbox.take_due(time.time())
    for run_id in history.inbox.answered_asleep():
        if owners.get(run_id, owner) == owner:
            with contextlib.suppress(FlowError):  # another process was faster
                runner.resume(history.get(run_id), owner)
