"""What a server of OpenAI's protocol really sent, which its client libraries do not tell.

`openai` takes a stream that just ends for one that is over, and a reply that is no stream for one
without a word. `langchain-openai` drops thoughts, refusals, and tool calls without an index. The
first two are seen here in the HTTP response, the others in each chunk before LangChain reads it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import warnings
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import httpx
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from langchain_openai import ChatOpenAI
from langchain_openai.chat_models.base import BaseChatOpenAI

from patchbay.nodes.models.servers.errors import EndedEarly, SentInstead
from patchbay.nodes.models.servers.reading import REFUSAL
from patchbay.nodes.models.thinking import THOUGHT

# Said on stderr where a server sends a call's arguments as an object; it is read all the same.
warnings.filterwarnings("ignore", r"Pydantic serializer warnings:[\s\S]*field_name='arguments'")

_CHAT = "/chat/completions"
_DONE = re.compile(rb"(?:^|[\r\n])data:[ \t]*\[DONE\]")
_REST_S = 0.05
"""How long the end of a stream is waited for that is over, in seconds."""
_THOUGHTS = ("reasoning_content", "reasoning", "thinking")
"""Of DeepSeek, llama.cpp and vLLM; of OpenRouter, Ollama and newer vLLM; of a few others."""


# --- the response ---------------------------------------------------------------------------------


def look(response: httpx.Response) -> None:
    """A hook for `httpx`: see to it that the end of a stream is known, and that it is a stream."""
    if _is_stream(response):
        if isinstance(response.stream, httpx.SyncByteStream):
            response.stream = _Watched(response.stream)
    elif _is_answer(response):
        response.read()
        raise _instead(response)


async def look_async(response: httpx.Response) -> None:
    """`look`, for asynchronous clients."""
    if _is_stream(response):
        if isinstance(response.stream, httpx.AsyncByteStream):
            response.stream = _WatchedAsync(response.stream)
    elif _is_answer(response):
        await response.aread()
        raise _instead(response)


def ask_plainly(request: httpx.Request) -> None:
    """A hook for `httpx`: no compressed streams, whose end could not be looked at."""
    if request.url.path.endswith(_CHAT):
        request.headers["accept-encoding"] = "identity"


def _is_answer(response: httpx.Response) -> bool:
    return response.request.url.path.endswith(_CHAT) and response.is_success


def _is_stream(response: httpx.Response) -> bool:
    kind = response.headers.get("content-type", "")
    plain = response.headers.get("content-encoding", "identity") == "identity"
    return _is_answer(response) and "text/event-stream" in kind and plain


def _instead(response: httpx.Response) -> SentInstead:
    try:
        body = response.json()
    except ValueError:
        body = response.text
    return SentInstead(response.headers.get("content-type", ""), body)


class _End:
    """Looks for the mark at the end of a stream, over the seams of its parts."""

    def __init__(self) -> None:
        self.come, self._tail = False, b""

    def take(self, part: bytes) -> None:
        text = self._tail + part
        self.come = self.come or _DONE.search(text) is not None
        self._tail = text[-64:]

    def check(self) -> None:
        if not self.come:
            raise EndedEarly


class _Watched(httpx.SyncByteStream):
    def __init__(self, inner: httpx.SyncByteStream) -> None:
        self._inner, self._end = inner, _End()

    def __iter__(self) -> Iterator[bytes]:
        for part in self._inner:
            self._end.take(part)
            yield part
        self._end.check()

    def close(self) -> None:
        self._inner.close()


class _WatchedAsync(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream) -> None:
        self._inner, self._end = inner, _End()
        self._parts = aiter(inner)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._parts:
            self._end.take(part)
            yield part
        self._end.check()

    async def aclose(self) -> None:
        """Close it. The client stops reading at the mark of the end; what frames the stream comes
        after that, and the connection can be used again only if that was read as well."""
        if self._end.come:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(_REST_S):
                    async for _ in self._parts:
                        pass
        await self._inner.aclose()


# --- the chunks -----------------------------------------------------------------------------------


class CompatibleChat(BaseChatOpenAI):
    """LangChain's client, which keeps what servers send beyond OpenAI's own fields."""

    def _convert_chunk_to_generation_chunk(
        self,
        chunk: dict[str, Any],
        default_chunk_class: type,
        base_generation_info: dict[str, Any] | None,
    ) -> ChatGenerationChunk | None:
        made = super()._convert_chunk_to_generation_chunk(
            tidied(chunk), default_chunk_class, base_generation_info
        )
        return None if made is None else _with_more(made, chunk)

    async def bare_stream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, **options: Any
    ) -> AsyncIterator[AIMessageChunk]:
        """`astream` without what LangChain tells its listeners: the model around it does."""
        some = False
        async with contextlib.aclosing(self._astream(messages, stop, **options)) as coming:
            async for chunk in coming:
                some, message = True, chunk.message
                assert isinstance(message, AIMessageChunk)  # noqa: S101 - made above
                about = {**(chunk.generation_info or {}), **message.response_metadata}
                message.response_metadata = about
                yield message
        if not some:
            raise ValueError("No generation chunks were returned")  # as `astream` says it

    def from_whole(self, body: Any) -> ChatGenerationChunk | None:
        """The answer that a server sent whole though it was asked to stream; None if it is none."""
        choices = body.get("choices") if isinstance(body, Mapping) else None
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], Mapping):
            return None
        choice = {**choices[0], "delta": choices[0].get("message") or {}}
        chunk = {**body, "choices": [choice]}
        return self._convert_chunk_to_generation_chunk(chunk, AIMessageChunk, {})


class OpenAiChat(CompatibleChat, ChatOpenAI):
    """The same over the client for OpenAI's own servers, which has other names for some options."""


def tidied(chunk: Mapping[str, Any]) -> dict[str, Any]:
    """A chunk in which every tool call has an index, and arguments that are text."""
    choices = [
        {**choice, "delta": _tidy_delta(choice["delta"])}
        if isinstance(choice.get("delta"), Mapping)
        else choice
        for choice in chunk.get("choices") or ()
    ]
    return {**chunk, "choices": choices}


def _tidy_delta(delta: Mapping[str, Any]) -> dict[str, Any]:
    calls = delta.get("tool_calls")
    if not isinstance(calls, list):
        return dict(delta)
    return {**delta, "tool_calls": [_tidy_call(n, call) for n, call in enumerate(calls)]}


def _tidy_call(number: int, call: Mapping[str, Any]) -> dict[str, Any]:
    function = dict(call.get("function") or {})
    given = function.get("arguments")
    if given is not None and not isinstance(given, str):  # some servers send the object itself
        function["arguments"] = json.dumps(given, ensure_ascii=False)
    index = call.get("index")
    return {**call, "function": function, "index": number if index is None else index}


def _with_more(made: ChatGenerationChunk, chunk: Mapping[str, Any]) -> ChatGenerationChunk:
    choices = chunk.get("choices") or ()
    delta = choices[0].get("delta") if choices else None
    message = made.message
    if not isinstance(delta, Mapping) or not isinstance(message, AIMessageChunk):
        return made
    more = {REFUSAL: delta.get("refusal")}
    more[THOUGHT] = next((delta[k] for k in _THOUGHTS if delta.get(k)), None)
    found = {key: text for key, text in more.items() if isinstance(text, str) and text}
    message.additional_kwargs = {**message.additional_kwargs, **found}
    return made
