"""The node that describes a quantized model."""

from __future__ import annotations

from nodes.contract import DescribingNode, Field, NodeParams, Ports, port
from nodes.models.gguf import GgufModel
from nodes.models.manifest import DEFAULT, NAMED


class QuantizedModel(DescribingNode):
    """A quantized chat model (GGUF) that runs on this machine, without a key or a server.

    Gives a description of the model; it is loaded once, when a node first asks it something.
    The default model is fetched on first use.
    """

    kind, version = "model.gguf", 1
    title, family = "Quantized local model", "Models"
    icon = "◆"
    requires = ("xllamacpp",)

    class Params(NodeParams):
        weights: str = Field(DEFAULT, min_length=1, max_length=1000, widget="model")
        """A known name, a path to a .gguf file, hf:owner/repo/file.gguf or ollama:name:tag."""
        context: int = Field(4096, ge=256, le=1_048_576)
        """Tokens that a prompt and its answer may have together, for each parallel request."""
        parallel: int = Field(4, ge=1, le=64)
        """Requests answered at once; each takes memory for its own context."""
        threads: int | None = Field(None, ge=1, le=1024)
        """Processor threads; by default as many as there are cores."""
        gpu_layers: int = Field(0, ge=-1, le=1000)
        """Layers computed on a graphics card; -1 for all."""
        temperature: float | None = Field(0.2, ge=0, le=5)
        """How freely words are chosen; 0 always takes the likeliest."""
        top_p: float | None = Field(0.9, gt=0, le=1)
        """Only the likeliest words that together have this probability are considered."""
        max_tokens: int | None = Field(512, ge=1, le=1_048_576)
        """Where an answer is cut; empty for no limit but the context."""
        seed: int | None = Field(None, ge=0, le=2**32 - 2)
        """Makes sampled answers repeat."""
        repeat_penalty: float | None = Field(None, gt=0, le=5)
        """Above 1, words that were just used become less likely."""
        chat_template: str | None = Field(None, max_length=100_000, widget="textarea")
        """A Jinja chat template in place of the one in the file."""

    class Outputs(Ports):
        model: GgufModel = port(doc="The description; a node that asks the model opens it.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """The weights, and how long a prompt they take."""
        weights = params.weights
        name = weights if weights in NAMED else weights.replace("\\", "/").rsplit("/", 1)[-1]
        return f"{name} · {params.context:,} tokens"

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """Describe the model. Nothing is loaded here."""
        return cls.Outputs(model=GgufModel(**params.model_dump()))
