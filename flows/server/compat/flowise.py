"""Flowise's prediction address, and what its widget asks beside it (as of Flowise 3)."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from patchbay.flows.server.compat.talking import said
from patchbay.flows.server.core.asked import json_of
from patchbay.flows.server.core.event_stream import PING, EventStream, event, unless_gone
from patchbay.flows.server.core.refusals import RefusedError, refused
from patchbay.flows.server.core.requests import caller_of, service_of
from patchbay.flows.server.core.served_run import ServedRun
from patchbay.flows.server.core.service import FlowService
from patchbay.flows.server.openai.answering import Answering, pieces_of
from patchbay.flows.server.openai.chat import final_text

_RATINGS = {"THUMBS_UP": 1, "THUMBS_DOWN": -1}


async def object_of(request: Request) -> dict[str, Any]:
    """The body of a request, an object.

    Raises:
        RefusedError: it is none.
    """
    body = json_of(await request.body())
    if not isinstance(body, dict):
        raise refused(400, "serve/not-json", "The body is not a JSON object.")
    return body


async def prediction(request: Request) -> Response:
    """Answer a question: whole, or in Flowise's events."""
    service, caller = service_of(request), caller_of(request)
    flow = service.shelf.get(request.path_params["flow"], caller)
    body = await object_of(request)
    override = body.get("overrideConfig")
    session = override.get("sessionId") if isinstance(override, dict) else None
    chat = str(body.get("chatId") or session or uuid.uuid4())
    stream = body.get("streaming") is True
    live, answering = await said(service, caller, flow, body.get("question"), chat, stream=stream)
    about = {
        "question": body.get("question"),
        "chatId": chat,
        "chatMessageId": live.id,
        "sessionId": chat,
    }
    if stream:
        sent = _events(service, live, answering, about)
        return EventStream(sent, live.headers)
    if not await unless_gone(request.receive, live.task):
        live.stop()
        return Response(status_code=499)
    told: dict[str, Any] = {"text": await final_text(service, live, answering), **about}
    if sources := _sources(live, answering):
        told["sourceDocuments"] = sources
    return JSONResponse(told, headers=live.headers)


async def _events(
    service: FlowService, live: ServedRun, answering: Answering, about: dict[str, Any]
) -> AsyncGenerator[bytes, None]:
    begun = False
    pieces = pieces_of(live, answering)
    try:
        async for piece in pieces:
            if piece is None:
                yield PING
            elif piece[0] == "text":
                if not begun:
                    yield _said("start", piece[1])
                begun = True
                yield _said("token", piece[1])
            else:
                yield _said("agentFlowEvent", piece[1].rstrip())
    finally:
        await pieces.aclose()
    try:
        text = await final_text(service, live, answering)
    except RefusedError as error:
        yield _said("error", error.problem.in_words())
        yield _said("end", "[DONE]")
        return
    rest = answering.rest(live.outputs) if live.status == "finished" else text
    if not begun:
        yield _said("start", rest)
    if rest:
        yield _said("token", rest)
    if sources := _sources(live, answering):
        yield _said("sourceDocuments", sources)
    yield _said("metadata", about)
    yield _said("end", "[DONE]")


def _said(name: str, data: Any) -> bytes:
    return event({"event": name, "data": data}, "message")


def _sources(live: ServedRun, answering: Answering) -> list[dict[str, Any]]:
    return [
        {"pageContent": source.text, "metadata": source.metadata}
        for source in answering.sources(live.outputs)
    ]


async def streaming(_: Request) -> Response:
    """Whether a flow streams. Flowise's clients ask this without a key, so it tells of none."""
    return JSONResponse({"isStreaming": True})


async def chatbot_config(_: Request) -> Response:
    """What the widget asks first, without a key."""
    off = ("isSpeechToTextEnabled", "isImageUploadAllowed", "isRAGFileUploadAllowed")
    sizes: dict[str, Any] = {"imgUploadSizeAndTypes": [], "fileUploadSizeAndTypes": []}
    return JSONResponse({"uploads": {**dict.fromkeys(off, False), **sizes}})


async def feedback(request: Request) -> Response:
    """Keep a thumb, and what was said beside it."""
    service, caller = service_of(request), caller_of(request)
    body = await object_of(request)
    run = str(request.path_params.get("message") or body.get("messageId") or "")
    service.mine(run, caller)
    rating = _RATINGS.get(str(body.get("rating")))
    await service.feedback.keep(run, caller.name, rating, body.get("content"))
    return JSONResponse({"id": run, "messageId": run, "rating": body.get("rating")})


ROUTES = [
    Route("/api/v1/prediction/{flow}", prediction, methods=["POST"]),
    Route("/api/v1/chatflows-streaming/{flow}", streaming),
    Route("/api/v1/public-chatbotConfig/{flow}", chatbot_config),
    Route("/api/v1/feedback", feedback, methods=["POST"]),
    Route("/api/v1/feedback/{message}", feedback, methods=["PUT"]),
]
