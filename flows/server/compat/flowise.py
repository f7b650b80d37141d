"""Flowise's prediction address, and what its widget asks beside it (as of Flowise 3)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from patchbay.flows.problems import FlowError
from patchbay.flows.server.compat.talking import chat_id, said, text_of
from patchbay.flows.server.core.asked import RunRequest, flag, json_of, safe
from patchbay.flows.server.core.event_stream import PING, EventStream, event, unless_gone
from patchbay.flows.server.core.keys import Caller
from patchbay.flows.server.core.refusals import RefusedError, of_flow, refused
from patchbay.flows.server.core.requests import caller_of, service_of
from patchbay.flows.server.core.served_run import ServedRun
from patchbay.flows.server.core.service import FlowService
from patchbay.flows.server.core.shelf import ServedFlow
from patchbay.flows.server.openai.answering import Answering, pieces_of
from patchbay.flows.server.openai.chat import final_text
from patchbay.flows.server.openai.conversation import ChatSoFar

_IN_STREAM = (400, 409)
"""What is refused with these is told in the stream that was asked for, as Flowise does: its SDK
and its widget show no words of an answer of HTTP. The others they show, or wait and try again."""
_ROLES = {"apiMessage": "assistant", "userMessage": "user"}
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
    chat, stream = chat_id(body.get("chatId"), session), flag(body, "streaming")
    try:
        live, answering = await _begun(service, caller, flow, body, chat, stream=stream)
    except (RefusedError, FlowError) as error:
        refusal = error if isinstance(error, RefusedError) else of_flow(error)
        if not stream or refusal.status not in _IN_STREAM:
            raise
        return EventStream(_refused(refusal))
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


async def _refused(error: RefusedError) -> AsyncGenerator[bytes, None]:
    yield _said("error", error.problem.in_words())
    yield _said("end", "[DONE]")


async def _begun(
    service: FlowService,
    caller: Caller,
    flow: ServedFlow,
    body: Mapping[str, Any],
    chat: str,
    *,
    stream: bool,
) -> tuple[ServedRun, Answering]:
    """Begin a run for a question, or for a form: its fields are inputs of the flow."""
    form = body.get("form")
    if not isinstance(form, dict) or body.get("question"):
        return await said(service, caller, flow, _talk(body), chat, stream=stream)
    inputs = {n: safe(flow.inputs[n], v) if n in flow.inputs else v for n, v in form.items()}
    answering = Answering(flow)
    live = await service.begin(
        flow, caller, RunRequest(inputs, stream=stream), follow=stream or flow.may_ask,
        hear=answering.hear,
    )  # fmt: skip
    live.chat = chat
    return live, answering


def _talk(body: Mapping[str, Any]) -> ChatSoFar:
    """What was said before, where the client sends it, and the question with its pictures.

    Raises:
        RefusedError: something of it cannot be read.
    """
    talk = ChatSoFar()
    for number, told in enumerate(_items(body, "history")):
        place, role = f"history[{number}]", told.get("role") or told.get("type")
        known = _ROLES.get(role, role) if isinstance(role, str) else role
        talk.add(known, text_of(told.get("content", told.get("message")), place), place)
    decided, question = body.get("humanInput"), body.get("question")
    if isinstance(decided, dict) and not question:
        question = _decision(decided)
    parts: list[dict[str, Any]] = [{"type": "text", "text": text_of(question, "question")}]
    parts += map(_picture, _items(body, "uploads"))
    talk.add("user", parts if len(parts) > 1 else parts[0]["text"], "uploads")
    return talk


def _items(body: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = body.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise refused(400, "input/invalid", f'"{name}" is a list of objects.', "Send it as one.")
    return found


def _picture(sent: Mapping[str, Any]) -> dict[str, Any]:
    """A file that was sent, as a part of a message; only pictures are taken."""
    if not str(sent.get("mime", "")).startswith("image/") or sent.get("type") == "url":
        what = str(sent.get("name", ""))[:100]
        message = f'The file "{what}" is not taken: pictures are, as data: URLs.'
        fix = "Send other files as a form to /flows/FLOW/run."
        raise refused(400, "input/invalid", message, fix)
    return {"type": "image_url", "image_url": {"url": sent.get("data")}}


def _decision(given: Mapping[str, Any]) -> str:
    """What a person decided, as Flowise's agent flows have it, in words."""
    word = {"proceed": "yes", "reject": "no"}.get(str(given.get("type")))
    if word is None:
        raise refused(400, "input/invalid", '"humanInput" is of the type proceed or reject.')
    return f"{word} {given.get('feedback') or ''}".strip()


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
        if live.status == "cancelled":
            yield _said("abort", about)
        else:
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


async def abort(request: Request) -> Response:
    """Stop what is at work in a chat: the widget's button, which goes on reading its stream."""
    service, caller = service_of(request), caller_of(request)
    flow, chat = request.path_params["flow"], request.path_params["chat"]
    for live in list(service.live.values()):
        if live.chat == chat and live.flow.name == flow and live.caller == caller:
            live.stop()
    return JSONResponse({"status": 200, "message": "Chat message aborted"})


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
    Route("/api/v1/chatmessage/abort/{flow}/{chat}", abort, methods=["PUT"]),
    Route("/api/v1/chatflows-streaming/{flow}", streaming),
    Route("/api/v1/public-chatbotConfig/{flow}", chatbot_config),
    Route("/api/v1/feedback", feedback, methods=["POST"]),
    Route("/api/v1/feedback/{message}", feedback, methods=["PUT"]),
]
