"""`POST /v1/responses`: whole, or as typed events with rising numbers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from patchbay.flows.server.core.asked import flag
from patchbay.flows.server.core.event_stream import PING, EventStream, event, unless_gone
from patchbay.flows.server.core.refusals import RefusedError
from patchbay.flows.server.core.requests import caller_of, service_of
from patchbay.flows.server.core.served_run import ServedRun
from patchbay.flows.server.core.service import FlowService
from patchbay.flows.server.openai.answering import Answering, pieces_of
from patchbay.flows.server.openai.beginning import begun
from patchbay.flows.server.openai.chat import body_of, citations, final_text
from patchbay.flows.server.openai.conversation import ChatSoFar, wrong
from patchbay.flows.server.openai.errors import error_body

_SUMMARY = "response.reasoning_summary"


async def responses(request: Request) -> Response:
    """Answer an input."""
    service, caller = service_of(request), caller_of(request)
    body = await body_of(request)
    flow = service.shelf.get(body["model"], caller)
    talk, stream = _conversation(body), flag(body, "stream")
    text = body.get("text")
    if text is not None and not isinstance(text, dict):
        raise wrong('"text" is an object, as {"format": {…}}.', "text")
    live, answering = await begun(
        service, caller, flow, talk, stream=stream, thread=_thread(body),
        wanted=None if text is None else text.get("format"),
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
    if (instructions := body.get("instructions")) is not None:
        if not isinstance(instructions, str):
            raise wrong('"instructions" is a text.', "instructions")
        talk.add("system", instructions, "instructions")
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
        if item.get("content") is None:
            raise wrong(f'"{place}.content" is missing: a text or a list of parts.', place)
        talk.add(item.get("role"), item.get("content"), place)
    elif kind == "function_call_output":
        talk.add("tool", item.get("output"), place)
    elif kind == "item_reference":
        raise wrong(f'"{place}" is an item of before, which is not kept here: send it.', place)
    elif not isinstance(kind, str):
        raise wrong(f'"{place}.type" is a text.', place)
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
        self._sent: list[dict[str, Any]] = []
        self._place: int | None = None
        self._thought: int | None = None
        self._thought_text = ""

    def whole(self, text: str) -> dict[str, Any]:
        """The response of a run that has ended."""
        cut = self._answering.cut
        told = self._head("incomplete" if cut else "completed")
        message = self._message(text, "completed", self._notes(text))
        told["output"] = [*self._thoughts(), message]
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
        pieces = pieces_of(live, answering)
        try:
            async for piece in pieces:
                if piece is None:
                    yield PING
                    continue
                for told in self._said(*piece):
                    yield told
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
        for told in (*self._said("text", rest), *self._end(text)):
            yield told
        whole = self.whole(text)
        whole["output"] = self._sent  # in the order in which it was sent
        yield self._event(f"response.{whole['status']}", response=whole)

    # --- the items of a stream: what was thought, and the message -----------------------------

    def _said(self, kind: str, piece: str) -> Iterator[bytes]:
        """A piece of the answer, or of what was thought on the way."""
        if kind == "thought":
            if self._thought is None:
                yield from self._begin_thought()
            self._thought_text += piece
            yield self._event(f"{_SUMMARY}_text.delta", **self._of_thought(), delta=piece)
            return
        yield from self._end_thought()
        if self._place is None:
            yield from self._begin_message()
        if piece:
            yield self._event(
                "response.output_text.delta", **self._of_message(), delta=piece, logprobs=[]
            )

    def _begin_thought(self) -> Iterator[bytes]:
        number = len(self._sent)
        self._thought, self._thought_text = number, ""
        item = self._reasoning("", number)
        self._sent.append(item)
        opened = {**item, "summary": []}
        yield self._event("response.output_item.added", output_index=number, item=opened)
        part = item["summary"][0]
        yield self._event(f"{_SUMMARY}_part.added", **self._of_thought(), part=part)

    def _end_thought(self) -> Iterator[bytes]:
        if self._thought is None:
            return
        item = self._reasoning(self._thought_text, self._thought)
        part, where = item["summary"][0], self._of_thought()
        yield self._event(f"{_SUMMARY}_text.done", **where, text=self._thought_text)
        yield self._event(f"{_SUMMARY}_part.done", **where, part=part)
        yield self._event("response.output_item.done", output_index=self._thought, item=item)
        self._sent[self._thought] = item
        self._thought = None

    def _begin_message(self) -> Iterator[bytes]:
        self._place = len(self._sent)
        item = self._message("", "in_progress")
        self._sent.append(item)
        opened = {**item, "content": []}
        yield self._event("response.output_item.added", output_index=self._place, item=opened)
        yield self._event(
            "response.content_part.added", **self._of_message(), part=item["content"][0]
        )

    def _end(self, text: str) -> Iterator[bytes]:
        assert self._place is not None  # noqa: S101 - the rest of the answer began it
        item = self._message(text, "completed", self._notes(text))
        part, where = item["content"][0], self._of_message()
        for number, note in enumerate(part["annotations"]):
            yield self._event(
                "response.output_text.annotation.added",
                **where, annotation_index=number, annotation=note,
            )  # fmt: skip
        yield self._event("response.output_text.done", **where, text=text, logprobs=[])
        yield self._event("response.content_part.done", **where, part=part)
        yield self._event("response.output_item.done", output_index=self._place, item=item)
        self._sent[self._place] = item

    def _of_thought(self) -> dict[str, Any]:
        number = self._thought or 0
        return {"item_id": self._sent[number]["id"], "output_index": number, "summary_index": 0}

    def _of_message(self) -> dict[str, Any]:
        return {"item_id": self._item, "output_index": self._place, "content_index": 0}

    def _event(self, kind: str, **more: Any) -> bytes:
        self._number += 1
        return event({"type": kind, "sequence_number": self._number, **more}, kind)

    # --- what both have -----------------------------------------------------------------------

    def _notes(self, text: str) -> list[dict[str, Any]]:
        """The sources that are pages, as citations: flat here, nested in chat completions."""
        found = citations(self._answering.sources(self._live.outputs), len(text))
        return [{"type": note["type"], **note["url_citation"]} for note in found]

    def _message(
        self, text: str, status: str, notes: Sequence[dict[str, Any]] = ()
    ) -> dict[str, Any]:
        part = {"type": "output_text", "text": text, "annotations": [*notes], "logprobs": []}
        return {
            "type": "message",
            "id": self._item,
            "role": "assistant",
            "status": status,
            "content": [part],
        }

    def _thoughts(self) -> list[dict[str, Any]]:
        said = "".join(text for kind, text in self._answering.pieces if kind == "thought")
        return [self._reasoning(said, 0)] if said else []

    def _reasoning(self, text: str, number: int) -> dict[str, Any]:
        summary = [{"type": "summary_text", "text": text}]
        id = f"rs_{self._live.id}" + (f"_{number}" if number else "")
        return {"type": "reasoning", "id": id, "summary": summary}

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
