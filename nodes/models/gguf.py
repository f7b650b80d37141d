"""The description of a quantized model that runs in this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, JsonValue

from nodes.models.manifest import DEFAULT, NAMED
from nodes.values import ModelSpec, Opening

if TYPE_CHECKING:
    from nodes.models.llama_chat import ChatLlama

WORKSPACE = 64 * 2**20
"""Bytes that llama.cpp takes besides weights and cache: buffers, vocabulary, threads."""


CONTEXT_BLOCK = 256
"""llama.cpp gives out context in blocks of so many tokens."""


class GgufModel(ModelSpec):
    """A chat model in a GGUF file, run by llama.cpp in this process.

    `weights` is a name from the manifest, a path, `hf:owner/repo/file.gguf[@revision]` or
    `ollama:name[:tag]`. `context` counts tokens for each of the `parallel` requests.
    """

    backend: ClassVar[str] = "gguf"

    weights: str = DEFAULT
    context: int = Field(4096, ge=256, le=1_048_576)
    parallel: int = Field(4, ge=1, le=64)
    threads: int | None = Field(None, ge=1, le=1024)
    gpu_layers: int = Field(0, ge=-1, le=1000)
    chat_template: str | None = None

    temperature: float | None = Field(0.2, ge=0, le=5)
    top_p: float | None = Field(0.9, gt=0, le=1)
    max_tokens: int | None = Field(512, ge=1)
    seed: int | None = Field(None, ge=0, le=2**32 - 2)
    repeat_penalty: float | None = Field(None, gt=0, le=5)

    @property
    def slots(self) -> int:
        """Requests that share the model, batched together."""
        return self.parallel

    def resource(self) -> GgufModel:
        """Without the sampling defaults: they travel with each call."""
        blank = dict.fromkeys(("temperature", "top_p", "max_tokens", "seed", "repeat_penalty"))
        return self.model_copy(update=blank)

    def content_key(self) -> JsonValue:
        """The description with the hash of the weights in place of their name or path."""
        from nodes.models.weights import content_id

        fields = self.model_dump(mode="json", exclude={"weights"})
        return {"$type": self.tag(), "weights": content_id(self.weights), **fields}

    def memory(self) -> int | None:
        """Estimated bytes: the file, the key-value cache of every slot, and a working margin."""
        from nodes.models.header import read_header
        from nodes.models.weights import find

        path = find(self.weights)
        if path is not None and (header := read_header(path)) is not None:
            return self._estimate(path.stat().st_size, header.cache_bytes, header.context)
        if known := NAMED.get(self.weights):
            return self._estimate(known.size, known.cache_bytes, known.context)
        return None

    def _estimate(self, size: int, cache_bytes: int, trained: int) -> int:
        return size + cache_bytes * self.slot_context(trained) * self.parallel + WORKSPACE

    def slot_context(self, trained: int) -> int:
        """Tokens that a request really gets from a model trained for `trained` (0: not known).

        llama.cpp rounds up to whole blocks, and gives no more than the model can use.
        """
        rounded = -(-self.context // CONTEXT_BLOCK) * CONTEXT_BLOCK
        return min(rounded, trained) if trained else rounded

    def call_options(
        self,
        *,
        temperature: float | None = None,
        seed: int | None = None,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        json_schema: Mapping[str, JsonValue] | None = None,
    ) -> dict[str, Any]:
        """The call's options over this description's own sampling defaults."""
        options = super().call_options(
            temperature=self.temperature if temperature is None else temperature,
            seed=self.seed if seed is None else seed,
            max_tokens=self.max_tokens if max_tokens is None else max_tokens,
            stop=stop,
            json_schema=json_schema,
        )
        own = {"top_p": self.top_p, "repeat_penalty": self.repeat_penalty}
        return options | {key: value for key, value in own.items() if value is not None}

    def open(self, opening: Opening) -> ChatLlama:
        """Fetch the weights if need be and load them.

        Raises:
            NodeError: the weights cannot be had, do not load, or do not fit into memory.
        """
        from nodes.models.llama_load import load
        from nodes.models.weights import resolve

        path: Path = resolve(self.weights, opening.report)
        opening.report(f"Loading {self.weights}", 0, None)
        return load(self, path)
