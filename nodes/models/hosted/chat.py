"""A chat model that another process has open."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.embeddings import Embeddings
from langchain_core.messages import (
    AIMessageChunk,
    BaseMessage,
    message_to_dict,
    messages_from_dict,
    messages_to_dict,
)
from langchain_core.outputs import ChatGenerationChunk
from pydantic import PrivateAttr

from patchbay.nodes.cut_texts import CutTexts
from patchbay.nodes.models.hosted.calls import called
from patchbay.nodes.models.hosted.line import HostLine
from patchbay.nodes.models.streaming import StreamingChat


class HostedChat(StreamingChat):
    """Asks it there. What it computes, what it refuses and what it counts is as if it were here."""

    model_name: str = ""
    context: int = 0
    """Tokens that the prompt and the answer of one request may have together."""
    _line: HostLine = PrivateAttr()

    @classmethod
    def over(cls, line: HostLine, about: dict[str, Any]) -> HostedChat:
        """The chat model at the other end of a line, by what was said of it."""
        model = cls(model_name=about["name"], context=about["context"])
        model._line = line
        return model

    @property
    def _llm_type(self) -> str:
        return "hosted"

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        coming = self._line.ask(do="chat", **_asked(messages, stop, kwargs))
        with contextlib.closing(coming) as said:  # type: ignore[type-var]
            yield from (chunk_of(one["chunk"]) for one in said if "chunk" in one)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        coming = self._line.ask_async(do="chat", **_asked(messages, stop, kwargs))
        async with contextlib.aclosing(coming) as said:  # type: ignore[type-var]
            async for one in said:
                if "chunk" in one:
                    yield chunk_of(one["chunk"])

    def count(self, messages: Sequence[BaseMessage]) -> list[int]:
        """The tokens of a conversation, as the model reads it."""
        found: list[int] = self._line.value(do="count", messages=messages_to_dict(messages))
        return found

    def tokens_in(self, text: str) -> int:
        """The tokens of a text."""
        return int(self._line.value(do="tokens_in", text=text))


class HostedEmbeddings(Embeddings):
    """Embeddings that another process has open.

    Args:
        line: how it is asked.
        max_tokens: where a text is cut.
    """

    def __init__(self, line: HostLine, max_tokens: int) -> None:
        self._line, self._cut, self.max_tokens = line, CutTexts(), max_tokens

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """A vector for each text."""
        found: list[list[float]] = self._asked("embed_documents", texts)
        return found

    def embed_query(self, text: str) -> list[float]:
        """The vector of a question."""
        found: list[float] = self._asked("embed_query", text)
        return found

    def take_cut(self) -> int:
        """How many texts were cut since this thread last asked."""
        return self._cut.take()

    def _asked(self, do: str, given: Any) -> Any:
        found = self._line.value(do=do, given=given)
        self._cut.add(found["cut"])
        return found["vectors"]


class HostedPictures(HostedEmbeddings):
    """Embeddings of texts and pictures that another process has open.

    Args:
        line: how it is asked.
        max_tokens: where a text is cut.
        told: its attributes that are known here.
    """

    def __init__(self, line: HostLine, max_tokens: int, told: dict[str, Any]) -> None:
        super().__init__(line, max_tokens)
        for name, value in told.items():
            setattr(self, name, value)

    def embed_pictures(self, files: Sequence[bytes]) -> list[list[float]]:
        """A vector for each picture."""
        found: list[list[float]] = called(self._line, "embed_pictures", list(files))
        return found


def _asked(
    messages: Sequence[BaseMessage], stop: list[str] | None, options: dict[str, Any]
) -> dict[str, Any]:
    return {"messages": messages_to_dict(messages), "stop": stop, "options": options}


def chunk_as_json(chunk: ChatGenerationChunk) -> dict[str, Any]:
    """A piece of an answer as it is sent."""
    return {"message": message_to_dict(chunk.message), "info": chunk.generation_info}


def chunk_of(sent: dict[str, Any]) -> ChatGenerationChunk:
    """A piece of an answer as it was sent."""
    (message,) = messages_from_dict([sent["message"]])
    assert isinstance(message, AIMessageChunk)  # noqa: S101 - nothing else is sent
    return ChatGenerationChunk(message=message, generation_info=sent["info"])
