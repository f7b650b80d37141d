"""Our models as components of Haystack. Imported only where a pipeline is built."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from haystack import component
from haystack.dataclasses import ChatMessage
from haystack.dataclasses import Document as TheirDocument

from patchbay.nodes.calls import CallOptions
from patchbay.nodes.haystack.convert import message_of
from patchbay.nodes.values import Message

Asks = Callable[[list[Message], CallOptions], Coroutine[Any, Any, str]]
"""Asks a chat model in the run's own way, and gives its answer."""

OPTIONS: Mapping[str, str] = {
    "temperature": "temperature", "top_p": "top_p", "top_k": "top_k", "min_p": "min_p",
    "seed": "seed", "max_tokens": "max_tokens", "max_completion_tokens": "max_tokens",
    "max_new_tokens": "max_tokens", "repetition_penalty": "repeat_penalty", "stop": "stop",
}  # fmt: skip
"""Haystack's word for an option of a call → ours."""


def call_options(said: Mapping[str, Any] | None) -> CallOptions:
    """What a file says of a call, in our words; what has no word here is left out."""
    known = {OPTIONS[k]: v for k, v in (said or {}).items() if k in OPTIONS and v is not None}
    if isinstance(known.get("stop"), str):
        known["stop"] = [known["stop"]]
    return CallOptions(**known)


@component
class PatchbayChatGenerator:
    """A ChatGenerator of Haystack over a chat model of a flow.

    Args:
        asks: asks the model.
        loop: the loop of the run, for components that call from a thread.
        said: what the file says of every call.
    """

    def __init__(
        self, asks: Asks, loop: asyncio.AbstractEventLoop, said: Mapping[str, Any] | None = None
    ) -> None:
        self._asks, self._loop, self._said = asks, loop, dict(said or {})

    @component.output_types(replies=list[ChatMessage])
    def run(
        self, messages: list[ChatMessage] | str, generation_kwargs: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """One reply, asked for from a thread."""
        asked = self.run_async(messages, generation_kwargs)
        return asyncio.run_coroutine_threadsafe(asked, self._loop).result()

    @component.output_types(replies=list[ChatMessage])
    async def run_async(
        self, messages: list[ChatMessage] | str, generation_kwargs: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """One reply."""
        given = [ChatMessage.from_user(messages)] if isinstance(messages, str) else messages
        options = call_options({**self._said, **(generation_kwargs or {})})
        text = await self._asks([message_of(one) for one in given], options)
        return {"replies": [ChatMessage.from_assistant(text)]}


@component
class PatchbayTextEmbedder:
    """A text embedder of Haystack over embeddings of a flow."""

    def __init__(self, embeddings: Any) -> None:
        self._embeddings = embeddings

    @component.output_types(embedding=list[float], meta=dict[str, Any])
    def run(self, text: str) -> dict[str, Any]:
        """The vector of a text."""
        return {"embedding": list(self._embeddings.embed_query(text)), "meta": {}}


@component
class PatchbayDocumentEmbedder:
    """A document embedder of Haystack over embeddings of a flow."""

    def __init__(self, embeddings: Any) -> None:
        self._embeddings = embeddings

    @component.output_types(documents=list[TheirDocument], meta=dict[str, Any])
    def run(self, documents: list[TheirDocument]) -> dict[str, Any]:
        """The documents with their vectors."""
        return {"documents": embedded(documents, self._embeddings), "meta": {}}


def embedded(documents: list[TheirDocument], embeddings: Any) -> list[TheirDocument]:
    """Documents with the vectors of their texts."""
    from dataclasses import replace

    vectors = embeddings.embed_documents([d.content or "" for d in documents]) if documents else []
    return [
        replace(document, embedding=list(vector))
        for document, vector in zip(documents, vectors, strict=True)
    ]
