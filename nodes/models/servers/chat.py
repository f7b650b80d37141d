"""A chat model behind a server: LangChain's own class for it, with errors in words and patience."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.runnables import Runnable, RunnableConfig
from pydantic import PrivateAttr

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.notes import NOTES
from patchbay.nodes.models.servers.errors import Server, pause_s
from patchbay.nodes.models.servers.wait import sleep
from patchbay.nodes.models.streaming import StreamingChat

QUIET = RunnableConfig(callbacks=[])
"""For calls of an inner model: whoever listens is told by the outer one already."""


class ServedChat(StreamingChat):
    """Asks an inner chat model; says in words what goes wrong; waits where the server is busy.

    A request is made again only as long as nothing of its answer was given out.
    """

    model_name: str = ""
    retries: int = 3
    """How often a request that the server has no time for is made again."""
    context: int | None = None
    """Tokens that a request may have, where the server cuts longer prompts without a word."""
    _inner: BaseChatModel = PrivateAttr()
    _server: Server = PrivateAttr()
    _translate: Callable[[dict[str, Any]], dict[str, Any]] = PrivateAttr()
    _closers: tuple[Callable[[], None], ...] = PrivateAttr()

    @classmethod
    def over(
        cls,
        inner: BaseChatModel,
        server: Server,
        translate: Callable[[dict[str, Any]], dict[str, Any]],
        *,
        retries: int,
        context: int | None = None,
        closers: Sequence[Callable[[], None]] = (),
    ) -> ServedChat:
        """Wrap `inner`. `translate` turns a call's options into the inner model's own."""
        model = cls(model_name=server.model, retries=retries, context=context)
        model._inner, model._server = inner, server
        model._translate, model._closers = translate, tuple(closers)
        return model

    @property
    def _llm_type(self) -> str:
        return self._inner._llm_type

    def close(self) -> None:
        """Let go of the connections."""
        for closer in self._closers:
            closer()

    def bind_tools(
        self, tools: Sequence[Any], **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Tools in the form that the inner model takes."""
        bound: Any = self._inner.bind_tools(tools, **kwargs)
        return self.bind(**bound.kwargs)

    # --- LangChain's ways in ---------------------------------------------------------------------

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        options = self._translate({**kwargs, "stop": stop})
        tries, begun = 0, False
        while True:
            tries += 1
            try:
                for chunk in self._inner.stream(messages, QUIET, **options):
                    begun = begun or says(chunk)
                    yield passed_on(chunk)
                    yield from self._doubts(chunk)
                return
            except Exception as error:
                failure = self._server.in_words(error)
                wait = None if begun else pause_s(error, tries, self.retries)
                if wait is None:
                    raise _after(failure, tries) from error
            yield note(_waiting(failure, wait))
            sleep(wait)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        options = self._translate({**kwargs, "stop": stop})
        tries, begun = 0, False
        while True:
            tries += 1
            try:
                stream: Any = self._inner.astream(messages, QUIET, **options)
                async with contextlib.aclosing(stream) as chunks:
                    async for chunk in chunks:
                        begun = begun or says(chunk)
                        yield passed_on(chunk)
                        for doubt in self._doubts(chunk):
                            yield doubt
                return
            except Exception as error:
                failure = await asyncio.to_thread(self._server.in_words, error)
                wait = None if begun else pause_s(error, tries, self.retries)
                if wait is None:
                    raise _after(failure, tries) from error
            yield note(_waiting(failure, wait))
            await asyncio.sleep(wait)

    def _doubts(self, chunk: Any) -> Iterator[ChatGenerationChunk]:
        """A note where the prompt was as long as the context: then it was cut, most likely."""
        usage = chunk.usage_metadata
        if usage and self.context and usage["input_tokens"] >= self.context:
            yield note(
                f"The prompt filled all {self.context:,} tokens of context, so that its beginning "
                "was probably left out. Raise the model's context, or shorten the prompt."
            )


def note(text: str) -> ChatGenerationChunk:
    """A chunk that says something about the answer and nothing of it."""
    return ChatGenerationChunk(
        message=AIMessageChunk(content="", response_metadata={NOTES: [text]})
    )


def says(chunk: AIMessage) -> bool:
    """Whether a chunk is part of the answer."""
    return bool(chunk.content or getattr(chunk, "tool_call_chunks", None))


def passed_on(chunk: Any) -> ChatGenerationChunk:
    """An inner model's chunk as ours. One that does not stream gives a whole message."""
    if not isinstance(chunk, AIMessageChunk):
        fields = {"content": chunk.content, "usage_metadata": chunk.usage_metadata}
        fields |= {"tool_calls": chunk.tool_calls, "response_metadata": chunk.response_metadata}
        chunk = AIMessageChunk(**fields)
    told = chunk.response_metadata
    if "finish_reason" not in told and (reason := told.get("done_reason", told.get("stop_reason"))):
        chunk.response_metadata = {**told, "finish_reason": reason}  # what others call it
    return ChatGenerationChunk(message=chunk)


def _waiting(failure: NodeError, wait: float) -> str:
    return f"{failure.message.rstrip('.')}. Asking again in {wait:.3g} s."


def _after(failure: NodeError, tries: int) -> NodeError:
    if tries > 1:
        failure.message = f"{failure.message} It was asked {tries} times."
        failure.args = (failure.message,)
    return failure
