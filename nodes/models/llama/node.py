"""The node that describes a quantized model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import AfterValidator, JsonValue

from patchbay.nodes.contract import Field, LookingNode, NodeParams, Ports, port
from patchbay.nodes.models.doubts import schema_doubts
from patchbay.nodes.models.form import Form
from patchbay.nodes.models.llama.adapter import GgufAdapter, check_adapters
from patchbay.nodes.models.llama.facts import gguf_facts
from patchbay.nodes.models.llama.graphics import gpu_doubts
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.models.options import LocalSampling, Thinks
from patchbay.nodes.models.template import check_template, jinja_of
from patchbay.nodes.models.template_here import check_thinks_here, gguf_template
from patchbay.nodes.names import OwnWeights
from patchbay.nodes.units import size_in_words
from patchbay.nodes.weights.manifest import DEFAULT, NAMED
from patchbay.nodes.weights.refs import parse


class QuantizedModel(LookingNode):
    """A quantized chat model (GGUF) that runs on this machine, without a key or a server.

    Gives a description of the model; it is loaded once, when a node first asks it something.
    The default model is fetched on first use. LoRA adapters change it at little cost; two
    nodes that name the same adapters with other scales share one loaded model.
    """

    kind, version = "model.gguf", 1
    title, family = "Quantized local model", "Models"
    front = ("weights", "temperature", "max_tokens")
    icon = "chip"
    synonyms = (
        "llm", "llama", "llama.cpp", "gguf", "local", "offline", "chat model", "smollm", "qwen",
    )  # fmt: skip
    requires = ("xllamacpp",)

    class Params(NodeParams, LocalSampling, Thinks, Form):
        weights: OwnWeights = Field(DEFAULT, min_length=1, max_length=1000, widget="model")
        """A known name, a path to a .gguf file, hf:owner/repo/file.gguf or ollama:name:tag."""
        adapters: list[GgufAdapter] = Field([], max_length=16)
        """LoRA adapters, each with how strongly it counts: a .gguf file, a folder of PEFT, or one
        that ships."""
        context: int = Field(4096, ge=256, le=1_048_576)
        """Tokens that a prompt and its answer may have together, for each parallel request."""
        parallel: int = Field(4, ge=1, le=64)
        """Requests answered at once; each takes memory for its own context."""
        threads: int | None = Field(None, ge=1, le=1024)
        """Processor threads; by default as `OMP_NUM_THREADS` says, else one for each core."""
        gpu_layers: int = Field(0, ge=-1, le=1000)
        """Layers computed on a graphics card; -1 for all."""
        top_k: int | None = Field(None, ge=0, le=1_000_000)
        """Only so many of the likeliest words are considered; 0 for all, empty for 40."""
        min_p: float | None = Field(None, ge=0, le=1)
        """Words less likely than this share of the likeliest are left out; empty for 0.05."""
        chat_template: Annotated[str | None, AfterValidator(check_template)] = Field(
            None, max_length=100_000, widget="textarea"
        )
        """A Jinja chat template in place of the one in the file."""
        json_schema: dict[str, JsonValue] | None = Field(None, widget="json")
        """A JSON schema that every answer must follow, unless who asks gives another."""
        grammar: str | None = Field(None, min_length=1, widget="code")
        """A grammar (GBNF) that every answer must follow, such as: root ::= "yes" | "no"."""

    class Outputs(Ports):
        model: GgufModel = port(doc="The description; a node that asks the model opens it.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """The weights, how long a prompt they take, and the memory that takes."""
        weights = params.weights
        name = weights if weights in NAMED else weights.replace("\\", "/").rsplit("/", 1)[-1]
        needed = _describe(params).memory()
        parts = [name, f"{params.context:,} tokens", size_in_words(needed) if needed else ""]
        if params.adapters:
            parts.insert(1, f"{len(params.adapters)} LoRA")
        return " · ".join(part for part in parts if part)

    @classmethod
    def doubts(cls, params: Params, inputs: Ports) -> Sequence[str]:
        """What of its JSON schema it cannot be held to, and whether a graphics card stays idle.

        Raises:
            NodeError: it is to think, and knows nothing of it.
        """
        check_thinks_here(params, gguf_template)
        doubts = schema_doubts(_describe(params), params.json_schema)
        return (*doubts, *gpu_doubts(params.gpu_layers))

    @classmethod
    def facts(cls, params: Params) -> Mapping[str, str]:
        """Size, bits per weight and the memory it will take, where the file's header is known."""
        return gguf_facts(_describe(params))

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """Describe the model. Nothing is loaded here.

        Raises:
            NodeError: the weights are no reference, or an adapter does not fit them.
        """
        parse(params.weights)
        check_adapters(params.weights, params.adapters)
        return cls.Outputs(model=_describe(params))


def _describe(params: QuantizedModel.Params) -> GgufModel:
    fields = params.model_dump()
    return GgufModel(**fields | {"chat_template": jinja_of(params.chat_template)})
