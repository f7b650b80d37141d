"""A chat model or an embeddings model that lives in another process, behind its own face.

What a node gets is a LangChain object like any other; every call goes there whole, and its answer
comes back whole, or piece by piece where somebody reads along.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import PrivateAttr

from patchbay.nodes.context import PIECEWISE
from patchbay.nodes.models.streaming import StreamingChat

if TYPE_CHECKING:
    from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
    from langchain_core.messages import BaseMessage
    from langchain_core.outputs import ChatGenerationChunk


class Far(Protocol):
    """A way to an opened model elsewhere. Both raise what the model raises there."""

    def call(self, method: str, *args: Any, **options: Any) -> Any:
        """Call a method of it, and wait."""

    async def acall(self, method: str, *args: Any, **options: Any) -> Any:
        """Likewise; cancelling stops it there."""

    def stream(self, *args: Any, **options: Any) -> AsyncIterator[ChatGenerationChunk] | None:
        """The chunks of an answer as they come; None where answers come whole."""


class FarChat(StreamingChat):
    """A chat model elsewhere. Its answers come as its way to it brings them."""

    model_name: str = ""
    _far: Far = PrivateAttr()

    @classmethod
    def over(cls, far: Far, name: str) -> FarChat:
        """The chat model at the other end."""
        made = cls(model_name=name)
        made._far = far
        return made

    @property
    def _llm_type(self) -> str:
        return "patchbay elsewhere"

    def tokens_in(self, text: str) -> int:
        """The tokens of a text, as the model's own tokenizer counts them."""
        return int(self._far.call("tokens_in", text))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        yield from self._far.call("chunks", messages, stop, **kwargs)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        coming = self._far.stream(messages, stop, **kwargs) if PIECEWISE.get() else None
        if coming is not None:
            async for chunk in coming:
                yield chunk
            return
        for chunk in await self._far.acall("chunks", messages, stop, **kwargs):
            yield chunk
