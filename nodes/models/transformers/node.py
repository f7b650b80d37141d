"""The node that describes a model of Transformers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import AfterValidator

from patchbay.nodes.contract import Field, LookingNode, NodeError, NodeParams, Ports, port
from patchbay.nodes.models.options import LocalSampling, Thinks
from patchbay.nodes.models.template import check_template, jinja_of
from patchbay.nodes.models.template_here import check_thinks_here
from patchbay.nodes.models.transformers.anatomy import Anatomy, anatomy
from patchbay.nodes.models.transformers.gguf_tokenizer import check_tokenizer
from patchbay.nodes.models.transformers.own_template import transformers_template
from patchbay.nodes.models.transformers.precision import DType
from patchbay.nodes.models.transformers.source import Gguf, parse
from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.names import OwnWeights
from patchbay.nodes.units import size_in_words
from patchbay.nodes.weights.manifest import DEFAULT, NAMED
from patchbay.nodes.weights.resolve import header_of


class TransformersNode(LookingNode):
    """A chat model that runs in this process through Hugging Face Transformers.

    Takes any repository, or folder, with safetensors; a GGUF file is dequantized. Code that a
    repository brings is never run. What *Quantize* and *LoRA adapter* work on. Gives a description;
    the model is loaded once, when a node first asks it something. Encoder-decoder models (T5:
    Raffel et al. 2020, arXiv:1910.10683; T0: Sanh et al. 2022, arXiv:2110.08207) answer a text;
    without a chat template they read what is said to them as it is, and hold no conversation.
    """

    kind, version = "model.transformers", 1
    title, family = "Transformers model", "Models"
    front = ("weights", "temperature", "max_tokens")
    icon = "network"
    synonyms = (
        "llm", "hugging face", "huggingface", "hf", "pytorch", "safetensors", "local",
        "chat model", "t5", "t0", "flan", "seq2seq", "encoder-decoder",
    )  # fmt: skip
    requires = ("torch", "transformers")

    class Params(NodeParams, LocalSampling, Thinks):
        weights: OwnWeights = Field(DEFAULT, min_length=1, max_length=1000, widget="model")
        """hf:owner/repo, a folder with safetensors, or a GGUF by name, path or reference."""
        dtype: DType = Field("auto")
        """Type of the weights; auto: 32 bits on a processor, 16 on a graphics card."""
        device: str = Field("auto", pattern=r"^(auto|cpu|mps|cuda(:\d{1,2})?)$")
        """Where it runs: auto, cpu, mps, cuda or cuda:1."""
        context: int = Field(2048, ge=64, le=1_048_576)
        """Tokens that a prompt and its answer may have together, for each parallel request."""
        parallel: int = Field(4, ge=1, le=64)
        """Requests answered at once, computed in one batch; each takes memory for its context."""
        chat_template: Annotated[str | None, AfterValidator(check_template)] = Field(
            None, max_length=100_000, widget="textarea"
        )
        """A Jinja chat template in place of the model's own."""

    class Outputs(Ports):
        model: TransformersModel = port(doc="The description; a node that asks it opens it.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """The weights, and how long a prompt they take."""
        return f"{short(params.weights)} · {params.context:,} tokens"

    @classmethod
    def facts(cls, params: Params) -> Mapping[str, str]:
        """What the heads of the model's files say."""
        try:
            made = anatomy(params.weights)
        except NodeError:
            return {}
        if made is None:
            return {"Model": "not fetched yet"}
        needed = _describe(params).estimate(made)
        return {
            "Architecture": f"{made.architecture}, {_layers(made)}",
            "Parameters": f"{made.parameters:,}",
            "Trained context": f"{made.trained:,} tokens" if made.trained else "not said",
            "Memory": size_in_words(needed),
        }

    @classmethod
    def doubts(cls, params: Params, inputs: Ports) -> Sequence[str]:
        """None of its own.

        Raises:
            NodeError: the model is to think, and knows nothing of it.
        """
        check_thinks_here(params, transformers_template)
        return ()

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """Describe the model. Nothing is loaded here."""
        source = parse(params.weights)
        if isinstance(source, Gguf) and (known := header_of(source.text)) is not None:
            check_tokenizer(known[1], source.text)
        return cls.Outputs(model=_describe(params))


def _describe(params: TransformersNode.Params) -> TransformersModel:
    fields = params.model_dump()
    return TransformersModel(**fields | {"chat_template": jinja_of(params.chat_template)})


def _layers(made: Anatomy) -> str:
    if not made.encoder:
        return f"{made.layers} layers"
    return f"{made.encoder} layers that read, {made.layers - made.encoder} that answer"


def short(weights: str) -> str:
    """The last part of a reference."""
    parts = weights.replace("\\", "/").rstrip("/").rsplit("/", 1)
    return weights if weights in NAMED else parts[-1]
