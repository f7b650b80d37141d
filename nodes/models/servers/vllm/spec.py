"""The description of a model that a vLLM server of ours answers for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from patchbay.nodes.calls import CallOptions
from patchbay.nodes.models.may_be_far import MayBeFar
from patchbay.nodes.models.options import LocalSampling, SampledModel, Thinks
from patchbay.nodes.models.thinking import THINKING, template_words
from patchbay.nodes.models.transformers.adapter import AdapterByReference
from patchbay.nodes.names import Name, OwnWeights
from patchbay.nodes.values import Opening, Spec

if TYPE_CHECKING:
    from patchbay.nodes.models.servers.vllm.chat import VllmChat

VllmDType = Literal["auto", "bfloat16", "float16", "float32"]

LORA = "lora"
"""The option of a call that names the adapter which answers."""
WORKSPACE = 2 * 2**30
"""Bytes of main memory that vLLM's processes take beside the weights."""


class NamedAdapter(AdapterByReference, BaseModel):
    """An adapter, and the name by which the server knows it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    """What the adapter is asked for by."""
    weights: OwnWeights = Field(min_length=1, max_length=1000)
    """A folder saved by PEFT, hf:owner/repo, or one that ships: pirate, sentiment."""


class VllmModel(MayBeFar, LocalSampling, Thinks, SampledModel):
    """A chat model that vLLM serves (Kwon et al. 2023, https://arxiv.org/abs/2309.06180).

    `weights` is `hf:owner/repo[@revision]`, a folder, or a GGUF file by any of its references,
    which is dequantized. `adapters` hang on it by name, and `adapter` is the one that answers; ""
    is the model without any. `context` counts tokens of a request, `parallel` requests at once.
    `gpu_share` is the part of each card's memory that the server takes; `cards` how many it is
    spread over. `eager`: nothing is compiled.
    """

    backend: ClassVar[str] = "vllm"
    hosted: ClassVar[bool] = True

    weights: str
    adapters: tuple[NamedAdapter, ...] = ()
    adapter: str = ""
    dtype: VllmDType = "auto"
    context: int = Field(2048, ge=64, le=1_048_576)
    parallel: int = Field(32, ge=1, le=1024)
    gpu_share: float = Field(0.9, gt=0, le=1)
    cards: int = Field(1, ge=1, le=64)
    eager: bool = False

    @property
    def slots(self) -> int:
        """Requests that are sent at once; the server computes them together."""
        return self.parallel

    @property
    def own_tools(self) -> bool:
        """Never: a server takes calls only with a parser that goes with the model, so tools are
        told as local models are told of them."""
        return False

    def resource(self) -> VllmModel:
        """Without what travels with each call: sampling defaults, and which adapter answers."""
        return super().resource().model_copy(update={"adapter": ""})

    def together(self, other: Spec) -> Spec | None:
        """One server with the adapters of both, where nothing else differs."""
        if not isinstance(other, VllmModel):
            return None
        alone = {"adapters": ()}
        if self.model_copy(update=alone) != other.model_copy(update=alone):
            return None
        named = {one.name: one for one in self.adapters}
        more = [one for one in other.adapters if named.setdefault(one.name, one) == one]
        if len(more) < len(other.adapters):  # one name for two adapters
            return None
        return self.model_copy(update={"adapters": tuple(named.values())})

    def content_key(self) -> JsonValue:
        """The description with hashes in place of the names and paths of what is loaded."""
        from patchbay.nodes.models.transformers.lora import adapter_content
        from patchbay.nodes.models.transformers.spec import weights_content

        fields = self.model_dump(
            mode="json", exclude={"weights", "adapters", "adapter", "gpu_share", "cards", "eager"}
        )
        chosen = [adapter_content(one.weights) for one in self.adapters if one.name == self.adapter]
        weights = weights_content(self.weights)
        return {"$type": self.tag(), "weights": weights, "adapter": chosen, **fields}

    def memory(self) -> int | None:
        """Estimated bytes of main memory: the weights pass through it, or stay where there is no
        card. None before they are here."""
        from patchbay.nodes.errors import NodeError
        from patchbay.nodes.models.transformers.anatomy import anatomy
        from patchbay.nodes.models.transformers.precision import BYTES

        try:
            made = anatomy(self.weights)
        except NodeError:
            return None
        width = BYTES["float32" if self.dtype == "float32" else "bfloat16"]
        return None if made is None else made.parameters * width + WORKSPACE

    def words(self, call: CallOptions) -> dict[str, Any]:
        """The call; what only vLLM knows goes into the body."""
        options = super().words(call)
        body: dict[str, Any] = {}
        if (thinking := options.pop(THINKING, None)) is not None:
            body["chat_template_kwargs"] = template_words(thinking)
        if (penalty := options.pop("repeat_penalty", None)) is not None:
            body["repetition_penalty"] = penalty
        for name in ("top_k", "min_p"):
            if (value := options.pop(name, None)) is not None:
                body[name] = value
        if body:
            options["extra_body"] = body
        return {**options, LORA: self.adapter} if self.adapter else options

    def open(self, opening: Opening) -> VllmChat:
        """Start the server, unless it runs, and wait until it is ready: minutes, at times.

        Raises:
            NodeError: there is no vLLM, the weights cannot be had, or it does not start.
        """
        from patchbay.nodes.models.servers.vllm.chat import open_vllm

        return open_vllm(self, opening)
