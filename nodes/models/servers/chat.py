"""A chat model behind a server: LangChain's own class for it, with errors in words, and waiting."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

from langchain_core.language_models import LanguageModelInput
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.runnables import Runnable, RunnableConfig
from pydantic import PrivateAttr

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.servers.errors import Server, pause_s
from patchbay.nodes.models.servers.reading import IncomingAnswer, note
from patchbay.nodes.models.streaming import StreamingChat
from patchbay.nodes.models.ways import Awaiting, Way
from patchbay.nodes.units import duration

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
    _says_end: bool = PrivateAttr(True)
    _look: Callable[[], None] | None = PrivateAttr(None)

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
        says_end: bool = True,
        look: Callable[[], None] | None = None,
    ) -> ServedChat:
        """Wrap `inner`. `translate` turns a call's options into the inner model's own.

        `says_end`: whether every whole answer of this client gives a reason for its end. `look` is
        called before pictures are sent; it raises where the server would drop them.
        """
        model = cls(model_name=server.model, retries=retries, context=context)
        model._inner, model._server = inner, server
        model._translate, model._closers = translate, tuple(closers)
        model._says_end, model._look = says_end, look
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

    async def _answer(
        self, way: Way, messages: list[BaseMessage], stop: list[str] | None, options: dict[str, Any]
    ) -> AsyncGenerator[ChatGenerationChunk, None]:
        words = self._translate({**options, "stop": stop})
        if self._look is not None and _shows(messages):
            await way.apart(self._look)
        tries = 0
        while True:
            tries += 1
            reading = self._reading(stop)
            try:
                try:
                    async with contextlib.aclosing(self._coming(way, messages, words)) as chunks:
                        async for chunk in chunks:
                            for ours in reading.take(chunk):
                                yield ours
                            if reading.over:
                                break
                except Exception as error:
                    for late in reading.rescued(error):
                        for ours in reading.take(late):
                            yield ours
                for ours in reading.end():
                    yield ours
                return
            except Exception as error:
                failure = await way.apart(self._server.in_words, error, reading.written)
                wait = self._wait(error, tries, reading)
                if wait is None:
                    raise _after(failure, tries) from (None if failure is error else error)
            yield note(_waiting(failure, wait))
            await way.sleep(wait)

    def _coming(self, way: Way, messages: list[BaseMessage], words: dict[str, Any]) -> Any:
        """The inner model's stream; without LangChain's bookkeeping, where it has one to await."""
        bare = getattr(self._inner, "bare_stream", None)
        if bare is not None and isinstance(way, Awaiting):
            return bare(messages, **words)
        return way.stream(self._inner, messages, QUIET, **words)

    def _wait(self, error: Exception, tries: int, reading: IncomingAnswer) -> float | None:
        """Seconds until it is asked again; None where that is not to be."""
        if reading.begun:
            return None
        return pause_s(error, tries, self.retries, received=reading.received)

    def _reading(self, stop: list[str] | None) -> IncomingAnswer:
        whole = getattr(self._inner, "from_whole", None)
        return IncomingAnswer(self._server, self.context, self._says_end, whole, stop or ())


def _shows(messages: Sequence[BaseMessage]) -> bool:
    """Whether a message holds a picture."""
    parts = (part for m in messages if not isinstance(m.content, str) for part in m.content)
    return any(isinstance(part, dict) and part.get("type") == "image_url" for part in parts)


def _waiting(failure: NodeError, wait: float) -> str:
    when = f"in {duration(wait)}" if wait else "at once"
    return f"{failure.message.rstrip('.')}. Asking again {when}."


def _after(failure: NodeError, tries: int) -> NodeError:
    if tries > 1:
        failure.message = f"{failure.message} It was asked {tries} times."
        failure.args = (failure.message,)
    return failure
