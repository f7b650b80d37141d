"""A message of a chat client: what was said, and which conversation it belongs to."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from patchbay.flows.problems import FlowError
from patchbay.flows.runs.thread_runs import talked_to
from patchbay.flows.server.core.keys import Caller
from patchbay.flows.server.core.refusals import refused
from patchbay.flows.server.core.served_run import ServedRun
from patchbay.flows.server.core.service import FlowService
from patchbay.flows.server.core.shelf import ServedFlow
from patchbay.flows.server.openai.answering import Answering
from patchbay.flows.server.openai.beginning import begun
from patchbay.flows.server.openai.conversation import ChatSoFar


async def said(
    service: FlowService,
    caller: Caller,
    flow: ServedFlow,
    talk: ChatSoFar,
    chat: str,
    *,
    stream: bool,
) -> tuple[ServedRun, Answering]:
    """Begin a run for a message, or go on with the run of this chat that asks something.

    A flow that takes a conversation, or may ask a person, makes the run a turn of the chat's
    thread; not where the client sends what was said before, and so keeps the conversation itself.

    Raises:
        RefusedError: the flow takes no message, or it is no answer to what was asked.
        FlowError: other inputs are missing.
    """
    keeps_it = len(talk.messages) > 1
    thread = thread_of(chat) if talk.messages and not keeps_it and _in_turns(flow) else None
    live, answering = await begun(service, caller, flow, talk, stream=stream, thread=thread)
    live.chat = chat
    return live, answering


def _in_turns(flow: ServedFlow) -> bool:
    if flow.may_ask:
        return True
    try:
        return talked_to(flow.prepared.resolved).kind == "messages"
    except FlowError:
        return False


def chat_id(*given: Any) -> str:
    """The first id of a chat that a client sends; one of ours where it sends none.

    Raises:
        RefusedError: it is no text.
    """
    found = next((one for one in given if one is not None and one != ""), None)
    if found is None:
        return str(uuid.uuid4())
    if isinstance(found, bool) or not isinstance(found, str | int):
        raise refused(400, "input/invalid", "The id of the chat is no text.", "Send it as a text.")
    return str(found)


def thread_of(chat: str) -> str:
    """The thread of a chat. What cannot be the id of one stands under a number made of it."""
    from patchbay.flows.runs.threads import checked_id

    try:
        return checked_id(chat)
    except FlowError:
        return f"chat-{hashlib.sha256(chat.encode('utf-8', 'replace')).hexdigest()[:32]}"


def text_of(given: Any, name: str) -> str:
    """A message.

    Raises:
        RefusedError: it is no text.
    """
    if not isinstance(given, str):
        raise refused(400, "input/invalid", f'"{name}" is no text.', "Send the message as a text.")
    return given
