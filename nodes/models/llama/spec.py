"""The description of a quantized model that runs in this process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, JsonValue

from patchbay.nodes.calls import CallOptions
from patchbay.nodes.models.doubts import unforced
from patchbay.nodes.models.llama.adapter import GgufAdapter, adapter_bytes, adapter_id
from patchbay.nodes.models.llama.memory import Footprint, footprint, lighter, slot_context
from patchbay.nodes.models.may_be_far import MayBeFar
from patchbay.nodes.models.options import LocalSampling, SampledModel, Thinks
from patchbay.nodes.values import Opening, Spec
from patchbay.nodes.weights.manifest import DEFAULT

if TYPE_CHECKING:
    from patchbay.nodes.models.llama.chat import ChatLlama


class GgufModel(MayBeFar, LocalSampling, Thinks, SampledModel):
    """A chat model in a GGUF file, run by llama.cpp in this process.

    `weights` is a name from the manifest, a path, `hf:owner/repo/file.gguf[@revision]` or
    `ollama:name[:tag]`. `context` counts tokens for each of the `parallel` requests.
    """

    backend: ClassVar[str] = "gguf"

    weights: str = DEFAULT
    adapters: tuple[GgufAdapter, ...] = ()
    context: int = Field(4096, ge=256, le=1_048_576)
    parallel: int = Field(4, ge=1, le=64)
    threads: int | None = Field(None, ge=1, le=1024)
    gpu_layers: int = Field(0, ge=-1, le=1000)
    chat_template: str | None = None

    top_k: int | None = Field(None, ge=0, le=1_000_000)
    min_p: float | None = Field(None, ge=0, le=1)
    json_schema: dict[str, JsonValue] | None = None
    grammar: str | None = None

    @property
    def slots(self) -> int:
        """Requests that share the model, batched together."""
        return self.parallel

    @property
    def sees(self) -> bool:
        """No: of a GGUF file its text model is run."""
        return False

    def resource(self) -> GgufModel:
        """Without the sampling defaults and the adapters' scales: they travel with each call."""
        loaded = tuple(GgufAdapter(weights=adapter.weights) for adapter in self.adapters)
        free = super().resource()
        return free.model_copy(update={"adapters": loaded, "json_schema": None, "grammar": None})

    def together(self, other: Spec) -> Spec | None:
        """Weights are held once, whatever context and slots they are asked for with."""
        if not isinstance(other, GgufModel):
            return None
        room = {
            "context": max(self.context, other.context),
            "parallel": max(self.parallel, other.parallel),
        }
        wide = self.model_copy(update=room)
        return wide if wide == other.model_copy(update=room) else None

    def view(self, opened: ChatLlama) -> ChatLlama:
        """The model with the context of this description, where it was opened with a longer one."""
        return opened.with_context(self.context)

    @property
    def sampling(self) -> CallOptions:
        """How words are chosen, and the form that every answer has."""
        return replace(super().sampling, json_schema=self.json_schema, grammar=self.grammar)

    def content_key(self) -> JsonValue:
        """The description with the hashes of the files in place of their names or paths."""
        from patchbay.nodes.weights.resolve import content_id

        fields = self.model_dump(mode="json", exclude={"weights", "adapters"})
        adapters: list[JsonValue] = [[adapter_id(a.weights), a.scale] for a in self.adapters]
        known = {"weights": content_id(self.weights), "adapters": adapters}
        return {"$type": self.tag(), **known, **fields}

    def memory(self) -> int | None:
        """Estimated bytes: weights, the key-value cache of every slot, adapters, buffers."""
        found = self.footprint()
        return None if found is None else found.total

    def footprint(self) -> Footprint | None:
        """Likewise, by what they are for; None where the weights are not known yet."""
        from patchbay.nodes.weights.resolve import header_of

        if (found := header_of(self.weights)) is None:
            return None
        size = sum(adapter_bytes(adapter.weights) for adapter in self.adapters)
        return footprint(*found, self.context, self.parallel, size)

    def lighter(self, excess: int) -> tuple[str, ...]:
        """A shorter context, fewer requests at once, or a coarser quantization."""
        from patchbay.nodes.weights.resolve import header_of

        if (found := header_of(self.weights)) is None:
            return ()
        return tuple(lighter(*found, self.context, self.parallel, excess))

    def slot_context(self, trained: int) -> int:
        """Tokens that a request really gets from a model trained for `trained` (0: not known)."""
        return slot_context(self.context, trained)

    def unforced(self, schema: Mapping[str, JsonValue]) -> tuple[str, ...]:
        """What a grammar cannot hold. Raises `NodeError` where none can be made."""
        return unforced(schema)

    def words(self, call: CallOptions) -> dict[str, Any]:
        """The call as llama.cpp takes it, with the scales of the adapters."""
        options = super().words(replace(call, grammar=None))
        if call.grammar is not None:
            options["grammar"] = call.grammar
        if self.adapters:
            # Always said: llama.cpp takes over what another request with other scales left behind.
            options["lora"] = [{"id": n, "scale": a.scale} for n, a in enumerate(self.adapters)]
        return options

    def open(self, opening: Opening) -> ChatLlama:
        """Fetch the weights if need be and load them.

        Raises:
            NodeError: the weights cannot be had, do not load, or do not fit into memory.
        """
        from patchbay.nodes.models.llama.load import load
        from patchbay.nodes.weights.resolve import resolve

        path = resolve(self.weights, opening.report)
        opening.report(f"Loading {self.weights}", 0, None)
        return load(self, path, opening.report)
