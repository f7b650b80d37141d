"""Langflow's run address (as of Langflow 1)."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from patchbay.flows.problems import FlowError
from patchbay.flows.runs.thread_runs import talked_to
from patchbay.flows.server.compat.flowise import object_of
from patchbay.flows.server.compat.talking import chat_id, said, text_of
from patchbay.flows.server.core.asked import flag, yes
from patchbay.flows.server.core.event_stream import EventStream, unless_gone
from patchbay.flows.server.core.refusals import RefusedError, refused
from patchbay.flows.server.core.requests import caller_of, service_of
from patchbay.flows.server.core.served_run import ServedRun
from patchbay.flows.server.core.service import FlowService
from patchbay.flows.server.core.shelf import ServedFlow
from patchbay.flows.server.openai.answering import Answering, pieces_of
from patchbay.flows.server.openai.chat import final_text
from patchbay.flows.server.openai.conversation import ChatSoFar

_QUIET = b"\n\n"
"""Keeps a line open: its clients pass over empty lines."""


async def run(request: Request) -> Response:
    """Run a flow with a message: whole, or as lines of JSON."""
    service, caller = service_of(request), caller_of(request)
    flow = service.shelf.get(request.path_params["flow"], caller)
    body = await object_of(request)
    session = chat_id(body.get("session_id"))
    asked = request.query_params.get("stream")
    stream = flag(body, "stream") if asked is None else yes("stream", asked)
    message, talk = _message_of(body), ChatSoFar()
    if message or (message is not None and _must_be_given(flow)):
        talk.add("user", message, "input_value")
    live, answering = await said(service, caller, flow, talk, session, stream=stream)
    if stream:
        sent = _events(service, live, answering, message, session)
        return EventStream(sent, live.headers)
    if not await unless_gone(request.receive, live.task):
        live.stop()
        return Response(status_code=499)
    text = await final_text(service, live, answering)
    return JSONResponse(_result(live, message, session, text), headers=live.headers)


def _message_of(body: Mapping[str, Any]) -> str | None:
    """The message of a call, which the address for more than one gets in a list; None for none.

    Raises:
        RefusedError: it is no text, or there are several.
    """
    found = body.get("input_value")
    several = body.get("inputs")
    if found is None and several is not None:
        if not isinstance(several, list) or not all(isinstance(one, dict) for one in several):
            raise refused(400, "input/invalid", '"inputs" is a list of objects.', "Send one.")
        said_in = [one["input_value"] for one in several if one.get("input_value") is not None]
        if len(said_in) > 1:
            message = f'"inputs" has {len(said_in)} messages; one run answers one.'
            raise refused(400, "input/invalid", message, "Call once for each.")
        found = said_in[0] if said_in else None
    return None if found is None else text_of(found, "input_value")


def _must_be_given(flow: ServedFlow) -> bool:
    """Whether a message that says nothing is one: the client sends "" where nothing was said."""
    try:
        return talked_to(flow.prepared.resolved).required
    except FlowError:
        return False


async def _events(
    service: FlowService,
    live: ServedRun,
    answering: Answering,
    message: str | None,
    session: str,
) -> AsyncGenerator[bytes, None]:
    yield _line("add_message", _message(live, message or "", session, "User"))
    pieces = pieces_of(live, answering)
    try:
        async for piece in pieces:
            if piece is None:
                yield _QUIET
            elif piece[0] == "text":
                yield _token(live, piece[1])
    finally:
        await pieces.aclose()
    try:
        text = await final_text(service, live, answering)
    except RefusedError as error:
        yield _line("error", {"error": error.problem.in_words()})
        return
    rest = answering.rest(live.outputs) if live.status == "finished" else text
    if rest:
        yield _token(live, rest)
    yield _line("add_message", _message(live, text, session, "Machine"))
    yield _line("end", {"result": _result(live, message, session, text)})


def _token(live: ServedRun, piece: str) -> bytes:
    return _line("token", {"chunk": piece, "id": live.id, "timestamp": _now()})


def _line(name: str, data: Any) -> bytes:
    return f"{json.dumps({'event': name, 'data': data}, ensure_ascii=False)}\n\n".encode()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _message(live: ServedRun, text: str, session: str, sender: str) -> dict[str, Any]:
    name = "AI" if sender == "Machine" else "User"
    return {
        "id": live.id,
        "flow_id": live.flow.name,
        "timestamp": _now(),
        "sender": sender,
        "sender_name": name,
        "session_id": session,
        "text": text,
        "files": [],
        "error": False,
        "edit": False,
        "properties": {},
        "category": "message",
        "content_blocks": [],
    }


def _result(live: ServedRun, message: str | None, session: str, text: str) -> dict[str, Any]:
    """What a run gave, as Langflow nests it."""
    held = _message(live, text, session, "Machine")
    component = f"ChatOutput-{live.flow.name}"
    inner = {
        "results": {"message": {**held, "text_key": "text", "data": held}},
        "artifacts": {"message": text, "sender": "Machine", "sender_name": "AI", "type": "object"},
        "outputs": {"message": {"message": text, "type": "text"}},
        "logs": {"message": []},
        "messages": [
            {
                "message": text, "sender": "Machine", "sender_name": "AI", "session_id": session,
                "component_id": component, "files": [], "type": "text",
            }
        ],
        "component_display_name": "Chat Output",
        "component_id": component,
        "used_frozen_result": False,
    }  # fmt: skip
    block = {"inputs": {"input_value": message or ""}, "outputs": [inner]}
    return {"session_id": session, "outputs": [block]}


ROUTES = [
    Route("/api/v1/run/{flow}", run, methods=["POST"]),
    Route("/api/v1/run/advanced/{flow}", run, methods=["POST"]),
]
