"""Answers of people to what runs ask, and runs that go on by them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from patchbay.flows.problems import FlowError
from patchbay.flows.runs.answers import find, give, refused

if TYPE_CHECKING:
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
    history = runner.history()
    types = runner.environment(None).catalog.value_types
    asked = find(history, run_id, question)
    mine = give(history, asked, value, comment=comment, types=types)
    live = runner.get(run_id)
    if live and live.active:
        live.run.nudge()
        return True
    if mine:
        runner.resume(history.get(run_id), owner, claimed=True)
    return mine


def take(runner: Runner, run_id: str, given: Mapping[str, Any], owner: str) -> bool:
    """Answer a question with what a browser sends: its id as `question`, and a `GivenReply`.

    Returns and raises: as `answer`.
    """
    from patchbay.flows.runs.results import reply_value

    reply = {name: value for name, value in given.items() if name != "question"}
    id = given.get("question")
    asked = find(runner.history(), run_id, id if isinstance(id, str) else None)
    question = asked.question(runner.environment(None).catalog.value_types)
    try:
        value, why = reply_value(reply, question)  # type: ignore[arg-type]
    except ValueError as error:
        raise refused(question, asked.id, str(error)) from None
    comment = str(given.get("comment") or "") or why
    return answer(runner, run_id, asked.id, value, owner, comment=comment.strip())


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
