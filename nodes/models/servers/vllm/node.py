"""The node that describes a model which a vLLM server of ours answers for."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import model_validator

from patchbay.nodes.contract import Field, LookingNode, NodeError, NodeParams, Ports, port
from patchbay.nodes.models.options import LocalSampling, Thinks
from patchbay.nodes.models.servers.vllm.spec import NamedAdapter, VllmDType, VllmModel
from patchbay.nodes.models.transformers.adapter import read_adapter
from patchbay.nodes.models.transformers.anatomy import anatomy
from patchbay.nodes.models.transformers.node import short
from patchbay.nodes.models.transformers.source import parse
from patchbay.nodes.models.transformers.trained import TrainedAdapter
from patchbay.nodes.names import OwnWeights
from patchbay.nodes.units import size_in_words
from patchbay.nodes.weights.manifest import DEFAULT

TRAINED = "trained"
"""The name of an adapter that comes over a wire."""


class VllmNode(LookingNode):
    """A chat model on a vLLM server that is started where the flow runs: for graphics cards.

    vLLM computes many requests together (continuous batching over a paged cache; Kwon et al. 2023,
    https://arxiv.org/abs/2309.06180). It is started once for all nodes and flows that describe the
    same server, watched, started anew if it dies, and ended when nobody needs it. On Ray it runs
    on the machine that Ray gives it, with the cards of `--gpus`. LoRA adapters are loaded by name,
    and each node says which of them answers. The program `vllm` is installed apart; the variable
    PATCHBAY_VLLM names it where it is not on the PATH. For a server that runs already, take an
    OpenAI-compatible server.
    """

    kind, version = "model.vllm", 1
    title, family = "vLLM model", "Models"
    icon = "server"
    synonyms = ("llm", "vllm", "gpu", "graphics card", "paged attention", "serve", "multi-lora")
    requires = ("langchain_openai",)

    class Params(NodeParams, LocalSampling, Thinks):
        weights: OwnWeights = Field(DEFAULT, min_length=1, max_length=1000, widget="model")
        """hf:owner/repo, a folder with safetensors, or a GGUF by name, path or reference."""
        adapters: list[NamedAdapter] = Field([], max_length=64)
        """LoRA adapters that the server loads, each under a name."""
        adapter: str = Field("", max_length=200)
        """The name of the adapter that answers; empty: the model without any."""
        dtype: VllmDType = Field("auto")
        """Type of the weights; auto: as they are stored, 16 bits at most."""
        context: int = Field(2048, ge=64, le=1_048_576)
        """Tokens that a prompt and its answer may have together."""
        parallel: int = Field(32, ge=1, le=1024)
        """Requests computed together."""
        gpu_share: float = Field(0.9, gt=0, le=1)
        """The part of each card's memory that the server takes."""
        cards: int = Field(1, ge=1, le=64)
        """Graphics cards that the weights are spread over."""
        eager: bool = Field(False)
        """Compile nothing: it starts in a fraction of the time, and answers more slowly."""

        @model_validator(mode="after")
        def _names_differ(self) -> VllmNode.Params:
            names = [one.name for one in self.adapters]
            if len(set(names)) < len(names):
                raise ValueError("two adapters have the same name")
            return self

    class Inputs(Ports):
        adapter: TrainedAdapter | None = port(
            None, doc=f'An adapter that a training gave; it is loaded as "{TRAINED}", and answers.'
        )

    class Outputs(Ports):
        model: VllmModel = port(doc="The description; a node that asks it has the server started.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """The weights, and which adapter answers."""
        return " · ".join(one for one in (short(params.weights), params.adapter) if one)

    @classmethod
    def facts(cls, params: Params) -> Mapping[str, str]:
        """What the heads of the model's files say."""
        try:
            made = anatomy(params.weights)
        except NodeError:
            return {}
        if made is None:
            return {"Model": "not fetched yet"}
        return {
            "Parameters": f"{made.parameters:,}",
            "Main memory": size_in_words(VllmModel(**_fields(params)).memory() or 0),
            "Trained context": f"{made.trained:,} tokens" if made.trained else "not said",
        }

    @classmethod
    def doubts(cls, params: Params, inputs: Ports) -> Sequence[str]:
        """That vLLM is not on this machine; another may run the flow."""
        from patchbay.nodes.models.servers.vllm.engine import program

        try:
            program(os.environ)
        except NodeError as error:
            return (f"{error.message} {error.fix}",)
        return ()

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """Describe the model. Nothing is started here.

        Raises:
            NodeError: an adapter does not go with it, or there is none of the name.
        """
        from patchbay.nodes.models.servers.vllm.fit import check_adapter

        parse(params.weights)
        fields = _fields(params)
        wired = inputs["adapter"]
        if isinstance(wired, TrainedAdapter):
            trained = NamedAdapter(name=TRAINED, weights=wired.path)
            others = [one for one in params.adapters if one.name != TRAINED]
            fields |= {"adapters": (*others, trained), "adapter": params.adapter or TRAINED}
        model = VllmModel(**fields)
        for one in model.adapters:
            if (adapter := read_adapter(one.weights)) is not None:
                check_adapter(adapter, params.weights)
        names = [one.name for one in model.adapters]
        if model.adapter and model.adapter not in names:
            raise NodeError(
                f"There is no adapter named {model.adapter!r}. "
                + (f"There are: {', '.join(names)}." if names else "None is listed."),
                fix="Add it to the adapters, or leave the field empty for the model without any.",
                param="adapter",
                code="vllm/adapter",
                retry=False,
            )
        return cls.Outputs(model=model)


def _fields(params: VllmNode.Params) -> dict[str, Any]:
    return {**params.model_dump(), "adapters": tuple(params.adapters)}
