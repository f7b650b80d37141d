"""`POST /v1/responses`: whole, or as typed events with rising numbers."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from patchbay.flows.server.core.event_stream import PING, EventStream, event, unless_gone
from patchbay.flows.server.core.refusals import RefusedError
from patchbay.flows.server.core.requests import caller_of, service_of
from patchbay.flows.server.core.served_run import ServedRun
from patchbay.flows.server.core.service import FlowService
from patchbay.flows.server.openai.answering import Answering, pieces_of
from patchbay.flows.server.openai.beginning import begun
from patchbay.flows.server.openai.chat import body_of, final_text
from patchbay.flows.server.openai.conversation import ChatSoFar, wrong
from patchbay.flows.server.openai.errors import error_body


async def responses(request: Request) -> Response:
    """Answer an input."""
    service, caller = service_of(request), caller_of(request)
    body = await body_of(request)
    flow = service.shelf.get(body["model"], caller)
    talk, stream = _conversation(body), body.get("stream") is True
    text = body.get("text")
    live, answering = await begun(
        service, caller, flow, talk, stream=stream, thread=_thread(body),
        wanted=text.get("format") if isinstance(text, dict) else None,
    )  # fmt: skip
    made = _Response(service, live, answering, body)
    if stream:
        return EventStream(made.events(), live.headers)
    if not await unless_gone(request.receive, live.task):
        live.stop()
        return Response(status_code=499)
    text = await final_text(service, live, answering)
    return JSONResponse(made.whole(text), headers=live.headers)


def _conversation(body: dict[str, Any]) -> ChatSoFar:
    if body.get("previous_response_id") is not None:
        raise wrong(
            'Responses are not kept by their id here: send what was said before in "input", or '
            'name a thread as "conversation".',
            "previous_response_id",
        )
    talk, given = ChatSoFar(), body.get("input")
    if isinstance(body.get("instructions"), str):
        talk.add("system", body["instructions"], "instructions")
    if isinstance(given, str):
        talk.add("user", given, "input")
    elif isinstance(given, list) and given:
        for number, item in enumerate(given):
            _add(talk, item, f"input[{number}]")
    else:
        raise wrong('"input" is a text or a list of items.', "input")
    return talk


def _add(talk: ChatSoFar, item: Any, place: str) -> None:
    if not isinstance(item, dict):
        raise wrong(f'"{place}" is an object.', place)
    kind = item.get("type", "message")
    if kind == "message":
        talk.add(item.get("role"), item.get("content"), place)
    elif kind == "function_call_output":
        talk.add("tool", str(item.get("output", "")), place)
    # Reasoning and calls of before are of no use to a flow, which makes its own.


def _thread(body: dict[str, Any]) -> str | None:
    given = body.get("conversation")
    found = given.get("id") if isinstance(given, dict) else given
    if found is not None and not isinstance(found, str):
        raise wrong('"conversation" is the id of a thread.', "conversation")
    return found or None


class _Response:
    """One response on its way."""

    def __init__(
        self,
        service: FlowService,
        live: ServedRun,
        answering: Answering,
        body: dict[str, Any],
    ) -> None:
        self._service, self._live, self._answering = service, live, answering
        self._body = body
        self._number = -1
        self._item = f"msg_{live.id}"

    def whole(self, text: str) -> dict[str, Any]:
        """The response of a run that has ended."""
        cut = self._answering.cut
        told = self._head("incomplete" if cut else "completed")
        told["output"] = [*self._thoughts(), self._message(text, "completed")]
        if cut:
            told["incomplete_details"] = {"reason": "max_output_tokens"}
        tokens = self._live.tokens
        told["usage"] = {
            "input_tokens": tokens.prompt,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": tokens.completion,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": tokens.total,
        }
        return told

    async def events(self) -> AsyncGenerator[bytes, None]:
        """Its events."""
        live, answering = self._live, self._answering
        yield self._event("response.created", response=self._head("in_progress"))
        yield self._event("response.in_progress", response=self._head("in_progress"))
        item = self._message("", "in_progress")
        at = {"item_id": self._item, "output_index": 0, "content_index": 0}
        yield self._event(
            "response.output_item.added", output_index=0, item={**item, "content": []}
        )
        yield self._event("response.content_part.added", **at, part=item["content"][0])
        pieces = pieces_of(live, answering)
        try:
            async for piece in pieces:
                if piece is None:
                    yield PING
                elif piece[0] == "text":
                    yield self._delta(at, piece[1])
        finally:
            await pieces.aclose()
        try:
            text = await final_text(self._service, live, answering)
        except RefusedError as error:
            said = error_body(error)["error"]
            failed = {**self._head("failed"), "error": {k: said[k] for k in ("code", "message")}}
            yield self._event("response.failed", response=failed)
            return
        rest = answering.rest(live.outputs) if live.status == "finished" else text
        if rest:
            yield self._delta(at, rest)
        message = self._message(text, "completed")
        yield self._event("response.output_text.done", **at, text=text, logprobs=[])
        yield self._event("response.content_part.done", **at, part=message["content"][0])
        yield self._event("response.output_item.done", output_index=0, item=message)
        whole = self.whole(text)
        whole["output"] = [message]  # as it was sent
        yield self._event(f"response.{whole['status']}", response=whole)

    def _delta(self, at: dict[str, Any], piece: str) -> bytes:
        return self._event("response.output_text.delta", **at, delta=piece, logprobs=[])

    def _event(self, kind: str, **more: Any) -> bytes:
        self._number += 1
        return event({"type": kind, "sequence_number": self._number, **more}, kind)

    def _message(self, text: str, status: str) -> dict[str, Any]:
        part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
        return {
            "type": "message",
            "id": self._item,
            "role": "assistant",
            "status": status,
            "content": [part],
        }

    def _thoughts(self) -> list[dict[str, Any]]:
        said = "".join(text for kind, text in self._answering.pieces if kind == "thought")
        if not said:
            return []
        summary = [{"type": "summary_text", "text": said}]
        return [{"type": "reasoning", "id": f"rs_{self._live.id}", "summary": summary}]

    def _head(self, status: str) -> dict[str, Any]:
        return {
            "id": f"resp_{self._live.id}",
            "object": "response",
            "created_at": int(self._live.begun_at),
            "status": status,
            "error": None,
            "incomplete_details": None,
            "instructions": self._body.get("instructions"),
            "metadata": self._body.get("metadata") or {},
            "model": self._live.flow.name,
            "output": [],
            "parallel_tool_calls": False,
            "temperature": None,
            "tool_choice": "none",
            "tools": [],
            "top_p": None,
            "usage": None,
        }
