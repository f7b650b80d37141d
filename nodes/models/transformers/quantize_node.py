"""The node that stores a model in fewer bits."""

from __future__ import annotations

from typing import Literal

from patchbay.nodes.contract import DescribingNode, Field, NodeError, NodeParams, Ports, port
from patchbay.nodes.models.transformers.lora import LoraModel
from patchbay.nodes.models.transformers.lora_node import wrong_kind
from patchbay.nodes.models.transformers.precision import DType, Quantization
from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.values import ModelSpec


class QuantizeNode(DescribingNode):
    """Load a Transformers model in 8 or 4 bits, in a quarter or an eighth of the memory.

    Only the linear layers are quantized (bitsandbytes), when the model is loaded, on a processor or
    a graphics card. 8 bits: LLM.int8(), Dettmers et al. 2022, https://arxiv.org/abs/2208.07339.
    4 bits: NF4, whose levels suit weights that are spread normally, or FP4; with double
    quantization the scales are quantized as well: QLoRA, Dettmers et al. 2023,
    https://arxiv.org/abs/2305.14314.
    """

    kind, version = "model.quantize", 1
    title, family = "Quantize", "Models"
    front = "bits"
    icon = "squeeze"
    synonyms = ("4-bit", "8-bit", "bitsandbytes", "nf4", "int8", "compress")
    requires = ("torch", "transformers", "bitsandbytes")

    class Params(NodeParams):
        bits: Literal["4", "8"] = Field("4")
        """Bits of a weight."""
        kind: Literal["nf4", "fp4"] = Field("nf4")
        """How four bits are spent: NF4 for weights, as a rule; FP4 is a tiny floating point."""
        double: bool = Field(True)
        """In 4 bits: quantize the scales too, which saves 0.4 bits a weight."""
        compute: DType = Field("auto")
        """In 4 bits: the type that is computed with; auto: that of the model."""

    class Inputs(Ports):
        model: ModelSpec = port(doc="A Transformers model, not quantized yet.")

    class Outputs(Ports):
        model: TransformersModel = port(doc="The same, to be loaded in fewer bits.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """The form of the weights."""
        return str(_how(params))

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """The description with its bits. Nothing is loaded here."""
        model = inputs["model"]
        if isinstance(model, LoraModel):
            raise NodeError(
                "Adapters hang on quantized weights, not the other way round, but a "
                f"{model.type_id()} is wired.",
                fix="Wire the Transformers model into Quantize, and Quantize into the adapter.",
                port="model",
                code="quantize/order",
                retry=False,
            )
        if not isinstance(model, TransformersModel):
            raise wrong_kind("Only weights that Transformers holds can be quantized here:", model)
        if model.quantization is not None:
            raise NodeError(
                f"{model.weights!r} is quantized already ({model.quantization}).",
                fix="Take one of the Quantize nodes out.",
                port="model",
                code="quantize/twice",
                retry=False,
            )
        return cls.Outputs(model=model.model_copy(update={"quantization": _how(params)}))


def _how(params: QuantizeNode.Params) -> Quantization:
    return Quantization(
        bits=4 if params.bits == "4" else 8,
        kind=params.kind,
        double=params.double,
        compute=params.compute,
    )
