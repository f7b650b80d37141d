"""A run for a conversation: a new one, or one that waits and is now answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from patchbay.flows.problems import FlowError
from patchbay.flows.server.core.keys import Caller
from patchbay.flows.server.core.refusals import RefusedError, refused
from patchbay.flows.server.core.served_run import ServedRun
from patchbay.flows.server.core.service import FlowService
from patchbay.flows.server.core.shelf import ServedFlow
from patchbay.flows.server.openai.answer_form import in_form
from patchbay.flows.server.openai.answering import Answering, reply_of, waiting_run, words_of
from patchbay.flows.server.openai.conversation import ChatSoFar, request_of
from patchbay.nodes.threads import in_thread


async def begun(
    service: FlowService,
    caller: Caller,
    flow: ServedFlow,
    talk: ChatSoFar,
    *,
    stream: bool,
    thread: str | None = None,
    wanted: Any = None,
) -> tuple[ServedRun, Answering]:
    """Begin a run for what was said, or go on with the one that waits for it.

    Raises:
        RefusedError: the server is full, or what was said does not fit the flow.
        FlowError: the inputs do not fit.
    """
    flow = in_form(service, flow, wanted)
    answering = Answering(flow)
    waits = waiting_run(talk.messages)
    if waits is None and thread is not None and flow.may_ask:
        waits = await _waiting_in(service, flow, thread)
    if waits is not None and await _asks(service, caller, flow, waits):
        live = await _answered(service, caller, waits, talk.last, answering)
        if live is not None:
            return live, answering
    run = service.owners.new_id(caller)
    asked = await request_of(talk, flow, run)
    asked.stream, asked.thread = stream, thread
    live = await service.begin(
        flow, caller, asked, run=run, follow=stream or flow.may_ask, hear=answering.hear
    )
    return live, answering


async def _asks(service: FlowService, caller: Caller, flow: ServedFlow, run: str) -> bool:
    """Whether a run is the caller's and this flow's: who goes on with another flow in the same
    conversation does not answer what the first one asked."""
    if not service.owners.owns(caller, run):
        return False
    try:
        names = await service.recorded.names_of(await service.past(run))
    except RefusedError:  # it was deleted
        return False
    return not names or flow.name in names


async def _waiting_in(service: FlowService, flow: ServedFlow, thread: str) -> str | None:
    """The run of this flow that a thread waits for, since a person is asked: whoever names the
    thread need not send what was asked."""
    from patchbay.flows.runs.threads import Threads

    found = await in_thread(Threads(await service.history()).find, thread)
    if found is None or not found.run:
        return None
    past = await service.past(found.run)
    mine = past.status == "waiting" and flow.name in await service.recorded.names_of(past)
    return past.id if mine else None


async def _answered(
    service: FlowService, caller: Caller, run: str, said: str, answering: Answering
) -> ServedRun | None:
    """The run as it goes on. None where nobody asks any more: then it is a new message."""
    questions = await service.questions(run)
    if not questions:
        return None
    try:
        given = reply_of(questions[0], said)
    except ValueError as error:
        raise _wrong(str(error), questions[0]) from None
    given["question"] = questions[0]["question"]
    try:
        live = await service.answer(run, caller, given, hear=answering.hear)
    except FlowError as error:
        problem = error.problems[0]
        if problem.code in ("question/answered", "question/ended"):
            return None
        if problem.code == "question/wrong-answer":
            raise _wrong(problem.message, questions[0]) from None
        raise
    if live is None:
        message = f'The answer is kept; another process is at work on the run "{run}".'
        raise refused(409, "history/running", message, f"See how it stands: GET /runs/{run}")
    return live


def _wrong(why: str, asks: Mapping[str, Any]) -> RefusedError:
    """What was said is no answer, which is told with what is asked and how it is answered."""
    return refused(400, "question/wrong-answer", why, words_of(asks))
