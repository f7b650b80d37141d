"""Answering a question of a recorded run: found, checked, recorded, and the run woken.

Every shell goes this way, so that a wrong answer is refused in the same words everywhere, and
nothing is lost by it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.desk import RecordedDesk
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.inbox import (
    ENDED,
    AlreadyAnsweredError,
    OpenQuestion,
    RunEndedError,
    said,
)
from patchbay.flows.runs.origins import Origin
from patchbay.nodes.questions import ApprovalWanted, DecisionWanted, Question, Reply, checked
from patchbay.nodes.values import Value

if TYPE_CHECKING:
    from patchbay.flows.document.model import Flow
    from patchbay.flows.runs.history import History
    from patchbay.flows.runs.running import Run

WAYS = {
    "approval": '--approve, or --reject "why"',
    "choice": "--choose WORD",
    "edit": "--value @file, or --value TEXT",
    "form": "--form name=value, once for each field",
    "decision": '--approve, --reject "why", --value \'{new arguments}\' or --respond "result"',
}
"""How a question of each kind is answered on the command line."""


def find(history: History, run: str, question: str | None = None) -> OpenQuestion:
    """The question that is to be answered: the one of that id, or the only one that is open.

    Raises:
        FlowError: there is no such run or question, it is answered, or the run has ended.
    """
    past = history.get(run)
    history.inbox.take_due(time.time(), run)
    open_ones = {asked.id: asked for asked in history.inbox.open(run)}
    every = {asked.id: asked for asked in history.inbox.of_run(run)}
    answers = history.inbox.answers_of(run)
    if question is not None and question in answers:
        given = answers[question]
        raise AlreadyAnsweredError(question, given["author"], given["at"], said(given))
    if question is not None and question not in every:
        raise _problem(
            "question/unknown",
            f'The run "{run}" has asked no question "{question}".',
            f"Open are: {_listed(open_ones)}." if open_ones else "No question of it is open.",
        )
    if question is None and not open_ones and len(answers) == 1:
        ((only, given),) = answers.items()
        raise AlreadyAnsweredError(only, given["author"], given["at"], said(given))
    if past.status in ENDED:
        raise RunEndedError(run, past.status)
    if question is not None:
        if question in open_ones:
            return open_ones[question]
        raise _problem(
            "question/withdrawn",
            f'The question "{question}" is not asked any more: it has been asked otherwise since.',
            f"Open are: {_listed(open_ones)}." if open_ones else "",
        )
    if len(open_ones) == 1:
        return next(iter(open_ones.values()))
    if open_ones:
        raise _problem(
            "question/which",
            f'The run "{run}" asks {len(open_ones)} questions.',
            f"Say which one with --question: {_listed(open_ones)}.",
        )
    raise _problem(
        "question/none", f'No question of the run "{run}" is open.', "Look at: patchbay inbox"
    )


def give(
    history: History,
    asked: OpenQuestion,
    value: Any,
    *,
    author: str = "",
    comment: str = "",
    types: Mapping[str, type[Value]] | None = None,
) -> bool:
    """Record an answer.

    Args:
        history: where the run is recorded.
        asked: the question.
        value: the answer, as the question wants it (`nodes/questions.py`).
        author: who answers; the person who is logged in, unless given.
        comment: why, in words.
        types: values that plugins bring.

    Returns:
        Whether the run is this process's to go on with; see `resume.resumed_run`.

    Raises:
        FlowError: it is no answer to this question, somebody was faster, or the disk refuses.
            Nothing was changed.
    """
    question = asked.question(types)
    try:
        value = checked(question, value)
    except ValueError as error:
        raise refused(question, asked.id, str(error)) from None
    answer = Reply(value, author or person(), time.time(), comment)
    return history.inbox.answer(asked, answer)


def refused(question: Question, name: str, why: str) -> FlowError:
    """The problem that a wrong answer is."""
    fix = f'The question "{question.title}" is still open. Answer it with {ways(question)}.'
    return _problem("question/wrong-answer", f'"{name}": {why}', fix)


def suits(how: str, question: Question) -> None:
    """Check that a question is answered in this way: what is meant for a question of another kind
    could else become the value of an edit.

    Args:
        how: `--choose` or `choose=`, as it was said.
        question: the question.

    Raises:
        ValueError: it is not; in words.
    """
    kinds, words = _SUITS.get(how.strip("-="), ((question.wants.kind,), ""))
    if question.wants.kind not in kinds:
        raise ValueError(f"{how} is for {words}.")


_YES_OR_NO = ("approval", "decision"), "a yes or no"
_SUITS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "approve": _YES_OR_NO,
    "reject": _YES_OR_NO,
    "choose": (("choice",), "a choice"),
    "form": (("form",), "a form"),
    "respond": (("decision",), "the call of a tool"),
}


def ways(question: Question) -> str:
    """How a question is answered on the command line."""
    return WAYS[question.wants.kind]


def person() -> str:
    """Who is logged in; "somebody" where the system does not know."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "somebody"


def approval(question: Question, *, yes: bool, message: str = "") -> Any:
    """A yes or no as the value of an answer: to an approval, or to a call of a tool."""
    if isinstance(question.wants, DecisionWanted):
        return {"decision": "approve"} if yes else {"decision": "reject", "message": message}
    if not isinstance(question.wants, ApprovalWanted):
        raise ValueError("It is not answered with yes or no.")
    return yes


def recorded(
    env: Environment,
    history: History,
    run: str,
    flow: Flow,
    folder: Any = None,
    only: tuple[str, ...] = (),
    file: Path | None = None,
) -> Environment:
    """The environment of a run that is recorded, so that it can wait for people; `file` is the
    flow's."""
    if flow.variables:  # it is resumed with the values that it has now
        from patchbay.flows.document.variables import settled

        flow = settled(flow, env.variables, strict=False)
    desk = RecordedDesk(history, run, env.catalog.value_types)
    sink = history.recorder(run, flow, folder, only, origin=Origin(file, pinned=env.pinned))
    return replace(env, sinks=(*env.sinks, sink), desk=desk)


def gone_on_with(history: History, run: str, env: Environment) -> Run:
    """The run that goes on after an answer that `give` said is this process's to go on with."""
    from patchbay.flows.runs.resume import resumed_run

    return resumed_run(history, history.get(run), env, claimed=True)


def _listed(questions: Mapping[str, OpenQuestion]) -> str:
    return ", ".join(f'{name} ("{asked.title}")' for name, asked in questions.items())


def _problem(code: str, message: str, fix: str) -> FlowError:
    return FlowError([Problem(code, message, fix)])
