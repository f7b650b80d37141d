"""The chat model over a vLLM server of ours: it outlives the server's process."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from pydantic import PrivateAttr

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.servers.chat import ServedChat
from patchbay.nodes.models.servers.openai.client import open_chat
from patchbay.nodes.models.servers.openai.spec import OpenAiModel
from patchbay.nodes.models.servers.reading import says
from patchbay.nodes.models.servers.vllm.engine import MODEL, VllmEngine
from patchbay.nodes.models.servers.vllm.spec import LORA, VllmModel
from patchbay.nodes.models.streaming import StreamingChat
from patchbay.nodes.models.ways import Way
from patchbay.nodes.values import Opening, SecretRef, Spec

TIMES = 3
"""A request whose server has died so often is given up."""


class VllmChat(StreamingChat):
    """Asks a server of ours. A request that has given nothing yet is made again where the server
    died under it."""

    model_name: str = ""
    _engine: VllmEngine = PrivateAttr()
    _served: ServedChat = PrivateAttr()

    @classmethod
    def over(cls, engine: VllmEngine, served: ServedChat, name: str) -> VllmChat:
        """The chat model of a server that runs."""
        made = cls(model_name=name)
        made._engine, made._served = engine, served
        return made

    @property
    def _llm_type(self) -> str:
        return "vllm"

    def tokens_in(self, text: str) -> int:
        """The tokens of a text."""
        return self._engine.tokens_in(text)

    def close(self) -> None:
        """End the server."""
        self._served.close()
        self._engine.close()

    async def _answer(
        self, way: Way, messages: list[BaseMessage], stop: list[str] | None, options: dict[str, Any]
    ) -> AsyncGenerator[ChatGenerationChunk, None]:
        lora = options.pop(LORA, "")
        asked = {**options, "model": lora} if lora else options
        for left in range(TIMES - 1, -1, -1):
            await way.apart(self._engine.ready)
            given, start = False, self._engine.starts
            try:
                coming = self._served._answer(way, messages, stop, dict(asked))
                async with contextlib.aclosing(coming) as chunks:
                    async for chunk in chunks:
                        given = given or says(chunk.message)  # type: ignore[arg-type]
                        yield chunk
                return
            except NodeError:
                same = self._engine.alive and self._engine.starts == start
                if given or not left or same:
                    raise


class _WithKey(Opening):
    """An opening that knows the key of our own server."""

    def __init__(self, opening: Opening, key: str) -> None:
        self._opening, self._key = opening, key

    def report(self, label: str, done: float, total: float | None) -> None:
        """As the opening does."""
        self._opening.report(label, done, total)

    def open(self, spec: Spec) -> Any:
        """As the opening does."""
        return self._opening.open(spec)

    def secret(self, ref: SecretRef) -> str:
        """That key: the server takes no other."""
        return self._key


def open_vllm(spec: VllmModel, opening: Opening) -> VllmChat:
    """Start a server for a description, and a client of it. Blocks until it is ready.

    Raises:
        NodeError: there is no vLLM here, weights cannot be had, or it does not start.
    """
    from patchbay.nodes.models.transformers.load import folder_of

    folder = folder_of(spec.weights, opening.report)
    adapters, rank = _adapters(spec, opening)
    engine = VllmEngine(spec, folder, adapters, rank, opening.report)
    try:
        asked = OpenAiModel(
            base_url=f"{engine.address}/v1", model=MODEL, key=SecretRef(secret="vllm"),  # noqa: S106 - a name
            timeout_s=600,
        )  # fmt: skip
        return VllmChat.over(engine, open_chat(asked, _WithKey(opening, engine.key)), spec.weights)
    except BaseException:
        engine.close()
        raise


def _adapters(spec: VllmModel, opening: Opening) -> tuple[dict[str, Path], int]:
    """The folders of the adapters by name, fetched if need be, and their highest rank."""
    from patchbay.nodes.models.servers.vllm.fit import check_adapter
    from patchbay.nodes.models.transformers.adapter import fetch_adapter, read_folder
    from patchbay.nodes.models.transformers.spec import weights_content
    from patchbay.nodes.models.transformers.trained import check_base

    found, rank = {}, 0
    for one in spec.adapters:
        place = fetch_adapter(one.weights, opening.report)
        adapter = read_folder(one.weights, place)
        check_base(one.weights, place, spec.weights, lambda: weights_content(spec.weights))
        check_adapter(adapter, spec.weights)
        found[one.name], rank = place.absolute(), max(rank, adapter.rank)
    return found, rank
