"""The node that hangs a low-rank adapter on a model."""

from __future__ import annotations

from collections.abc import Mapping

from patchbay.nodes.contract import Field, LookingNode, NodeError, NodeParams, Ports, port
from patchbay.nodes.models.transformers.adapter import Adapter, read_adapter
from patchbay.nodes.models.transformers.anatomy import anatomy
from patchbay.nodes.models.transformers.fit import check_bits, check_fit, check_names, check_whole
from patchbay.nodes.models.transformers.lora import LoraModel, LoraUse
from patchbay.nodes.models.transformers.node import short
from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.models.transformers.trained import TrainedAdapter
from patchbay.nodes.names import OwnWeights
from patchbay.nodes.units import size_in_words
from patchbay.nodes.values import ModelSpec

DEFAULT_ADAPTER = "pirate"


class LoraNode(LookingNode):
    """Change what a model does with a small adapter (LoRA), without a second copy of it.

    An adapter holds two thin matrices for some of the model's layers, and is a thousandth of its
    size. Many adapters share one loaded base, each request with its own; chain these nodes and
    several act at once. *Merge* adds the adapter to the weights of a base of its own: more memory,
    no work left per token. Adapter and base are compared before anything is loaded.
    Hu et al. 2021, https://arxiv.org/abs/2106.09685.
    """

    kind, version = "model.lora", 1
    title, family = "LoRA adapter", "Models"
    front = ("adapter", "scale")
    icon = "layers"
    synonyms = ("peft", "adapter", "fine-tune", "finetuning", "qlora", "dora")
    requires = ("torch", "transformers")

    class Params(NodeParams):
        adapter: OwnWeights = Field(
            DEFAULT_ADAPTER, min_length=1, max_length=1000, widget="adapter"
        )
        """A folder saved by PEFT, hf:owner/repo, or one that ships: pirate, sentiment."""
        scale: float = Field(1.0, ge=-10, le=10)
        """How strongly it acts: 1 as it was trained, 0 not at all."""
        merge: bool = Field(False)
        """Add it to the weights of a base of its own, together with those before it."""

    class Inputs(Ports):
        model: ModelSpec = port(doc="A Transformers model, quantized or not, or one with adapters.")
        adapter: TrainedAdapter | None = port(
            None, doc="An adapter that a training gave, in place of the one in the params."
        )

    class Outputs(Ports):
        model: LoraModel = port(doc="The adapted model, for every node that asks a model.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """The adapter, and what differs from how it was trained."""
        parts = [short(params.adapter)]
        if params.scale != 1:
            parts.append(f"x {params.scale:g}")
        return " · ".join([*parts, "merged"] if params.merge else parts)

    @classmethod
    def facts(cls, params: Params) -> Mapping[str, str]:
        """What the adapter's files say."""
        try:
            adapter = read_adapter(params.adapter)
        except NodeError:
            return {}
        if adapter is None:
            return {"Adapter": "not fetched yet"}
        return {
            **({"Rank": str(adapter.rank)} if adapter.ranks else {"Kind": adapter.kind}),
            "Layers": f"{len(adapter.layers)} ({', '.join(adapter.targets)})",
            "Trained on": adapter.base or "not said",
            "Size": size_in_words(adapter.bytes),
        }

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """The model with the adapter, if they go together. Nothing is loaded here."""
        base = inputs["model"]
        if not isinstance(base, (TransformersModel, LoraModel)):
            raise wrong_kind("A LoRA adapter hangs on", base)
        root = base if isinstance(base, TransformersModel) else base.root
        wired = inputs["adapter"]
        reference = wired.path if isinstance(wired, TrainedAdapter) else params.adapter
        adapter = read_adapter(reference)
        if adapter is not None:
            check_whole(adapter, params.scale, params.merge)
            check_bits(adapter, root.quantization is not None)
            _compare(adapter, root)
        if params.merge and root.quantization is not None:
            raise NodeError(
                f"The adapter {reference!r} cannot be merged into {root.weights!r} in "
                f"{root.quantization}: such coarse weights would round it away.",
                fix="Switch merge off; or take the Quantize node out.",
                port="model",
                code="adapter/merge",
                retry=False,
            )
        use = LoraUse(weights=reference, scale=params.scale)
        if isinstance(base, LoraModel) and not base.merge:
            return cls.Outputs(
                model=base.model_copy(
                    update={"adapters": (*base.adapters, use), "merge": params.merge}
                )
            )
        return cls.Outputs(model=LoraModel(base=base, adapters=(use,), merge=params.merge))


def _compare(adapter: Adapter, root: TransformersModel) -> None:
    made = anatomy(root.weights)
    if made is None:
        check_names(adapter, root.weights)
    else:
        check_fit(adapter, made, root.weights)


def wrong_kind(what: str, model: ModelSpec) -> NodeError:
    """The model is of a backend that keeps its weights to itself."""
    fix = "Wire a Transformers model."
    if model.backend == "gguf":
        fix = (
            "Wire a Transformers model; it takes the same GGUF and dequantizes it. Or give the "
            "quantized local model an adapter in GGUF, in its own params."
        )
    return NodeError(
        f"{what} a Transformers model, but a {model.type_id()} is wired.",
        fix=fix,
        port="model",
        code="adapter/backend",
        retry=False,
    )
