"""A message of a chat client: which input it goes to, and which conversation it belongs to."""

from __future__ import annotations

import re
from typing import Any

from patchbay.flows.problems import FlowError
from patchbay.flows.runs.thread_runs import talked_to
from patchbay.flows.server.core.asked import RunRequest, safe
from patchbay.flows.server.core.keys import Caller
from patchbay.flows.server.core.refusals import of_flow, refused
from patchbay.flows.server.core.served_run import ServedRun
from patchbay.flows.server.core.service import FlowService
from patchbay.flows.server.core.shelf import ServedFlow
from patchbay.flows.server.openai.answering import Answering

_THREAD = re.compile(r"[^\W_][\w.-]{0,63}")


async def said(
    service: FlowService,
    caller: Caller,
    flow: ServedFlow,
    message: Any,
    thread: Any,
    *,
    stream: bool,
) -> tuple[ServedRun, Answering]:
    """Begin a run for a message. Where the flow takes a conversation it is a turn of the thread.

    Raises:
        RefusedError: the message is no text, or the flow takes none.
        FlowError: other inputs are missing.
    """
    if not isinstance(message, str):
        raise refused(400, "input/invalid", "The message is no text.", "Send it as a text.")
    try:
        asks = talked_to(flow.prepared.resolved)
    except FlowError as error:
        raise refused(400, "input/invalid", of_flow(error).problem.message) from None
    talks = asks.kind == "messages"
    given = [{"role": "user", "content": message}] if talks else safe(asks, message)
    asked = RunRequest({asks.name: given}, stream=stream)
    if talks and isinstance(thread, str) and _THREAD.fullmatch(thread):
        asked.thread = thread
    answering = Answering(flow)
    live = await service.begin(
        flow, caller, asked, follow=stream or flow.may_ask, hear=answering.hear
    )
    return live, answering
