"""`POST /v1/chat/completions`: whole, or as a stream of chunks."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from patchbay.flows.problems import Problem
from patchbay.flows.runs.events import Tokens
from patchbay.flows.server.core.asked import flag, json_of
from patchbay.flows.server.core.event_stream import PING, EventStream, event, unless_gone
from patchbay.flows.server.core.refusals import RefusedError, status_of
from patchbay.flows.server.core.requests import caller_of, service_of
from patchbay.flows.server.core.served_run import ServedRun
from patchbay.flows.server.core.service import FlowService
from patchbay.flows.server.openai.answering import Answering, pieces_of, question_text
from patchbay.flows.server.openai.beginning import begun
from patchbay.flows.server.openai.conversation import of_messages, wrong
from patchbay.flows.server.openai.errors import error_body
from patchbay.nodes.values import Document


async def body_of(request: Request) -> dict[str, Any]:
    """The body of a request, an object that names a model.

    Raises:
        RefusedError: it is none.
    """
    body = json_of(await request.body())
    if not isinstance(body, dict) or not isinstance(body.get("model"), str):
        raise wrong('The body is an object with a "model": the name of a flow.', "model")
    return body


async def completions(request: Request) -> Response:
    """Answer a conversation."""
    service, caller = service_of(request), caller_of(request)
    body = await body_of(request)
    flow = service.shelf.get(body["model"], caller)
    talk, stream = of_messages(body.get("messages")), flag(body, "stream")
    with_usage = _wants_usage(body.get("stream_options"))
    wanted = body.get("response_format")
    live, answering = await begun(service, caller, flow, talk, stream=stream, wanted=wanted)
    if stream:
        chunks = _Chunks(service, live, answering, with_usage)
        return EventStream(chunks.sent(), live.headers)
    if not await unless_gone(request.receive, live.task):
        live.stop()
        return Response(status_code=499)
    return JSONResponse(await whole(service, live, answering), headers=live.headers)


def _wants_usage(options: Any) -> bool:
    if options is None:
        return False
    if not isinstance(options, dict):
        raise wrong('"stream_options" is an object, as {"include_usage": true}.', "stream_options")
    return flag(options, "include_usage")


async def whole(service: FlowService, live: ServedRun, answering: Answering) -> dict[str, Any]:
    """The completion of a run that has ended.

    Raises:
        RefusedError: it failed.
    """
    text = await final_text(service, live, answering)
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
    if notes := citations(answering.sources(live.outputs), len(text)):
        message["annotations"] = notes
    if thoughts := "".join(said for kind, said in answering.pieces if kind == "thought"):
        message["reasoning_content"] = thoughts
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": answering.reason}
    return {**_head(live, "chat.completion"), "choices": [choice], "usage": usage(live.tokens)}


async def final_text(service: FlowService, live: ServedRun, answering: Answering) -> str:
    """The answer of a run that has ended, or the question that it waits with.

    Raises:
        RefusedError: it failed.
    """
    if live.status == "waiting":
        return await question_text(service, live.id)
    if live.status != "finished":
        raise failure(live)
    return answering.text(live.outputs)


def failure(live: ServedRun) -> RefusedError:
    """The refusal that a failed run comes to."""
    problem = live.problem or Problem("run/cancelled", "The run was stopped.")
    return RefusedError(status_of(problem), problem, None, live.more, live.headers)


def usage(tokens: Tokens) -> dict[str, Any]:
    """Tokens as OpenAI counts them."""
    return {
        "prompt_tokens": tokens.prompt,
        "completion_tokens": tokens.completion,
        "total_tokens": tokens.total,
    }


def citations(sources: list[Document], end: int) -> list[dict[str, Any]]:
    """Sources as citations, of those that are pages."""
    found = []
    for source in sources:
        url = source.metadata.get("url") or source.metadata.get("source")
        if isinstance(url, str) and url.startswith(("http://", "https://")):
            title = source.metadata.get("title")
            cited = {"url": url, "title": str(title or url), "start_index": 0, "end_index": end}
            found.append({"type": "url_citation", "url_citation": cited})
    return found


def _head(live: ServedRun, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{live.id}",
        "object": kind,
        "created": int(live.begun_at or time.time()),
        "model": live.flow.name,
    }


class _Chunks:
    """The chunks of one stream."""

    def __init__(
        self, service: FlowService, live: ServedRun, answering: Answering, with_usage: bool
    ) -> None:
        self._service, self._live, self._answering = service, live, answering
        self._with_usage = with_usage

    async def sent(self) -> AsyncGenerator[bytes, None]:
        """All of them, as events."""
        live, answering = self._live, self._answering
        yield self._chunk({"role": "assistant", "content": ""})
        pieces = pieces_of(live, answering)
        try:
            async for piece in pieces:
                if piece is None:
                    yield PING
                else:
                    name = "content" if piece[0] == "text" else "reasoning_content"
                    yield self._chunk({name: piece[1]})
        finally:
            await pieces.aclose()
        try:
            text = await final_text(self._service, live, answering)
        except RefusedError as error:
            yield event(error_body(error))
            return
        rest = answering.rest(live.outputs) if live.status == "finished" else text
        if rest:
            yield self._chunk({"content": rest})
        notes = citations(answering.sources(live.outputs), len(text))
        yield self._chunk({"annotations": notes} if notes else {}, answering.reason)
        if self._with_usage:
            head = _head(live, "chat.completion.chunk")
            yield event({**head, "choices": [], "usage": usage(live.tokens)})
        yield event("[DONE]")

    def _chunk(self, delta: dict[str, Any], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        chunk = {**_head(self._live, "chat.completion.chunk"), "choices": [choice]}
        if self._with_usage:
            chunk["usage"] = None
        return event(chunk)
