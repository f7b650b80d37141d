"""The node `train.calculator`: memory and checkpoints of full training, LoRA and QLoRA."""

from __future__ import annotations

from typing import Literal

from pydantic import JsonValue

from patchbay.nodes.contract import Context, Field, Node, NodeParams, Ports, port
from patchbay.nodes.figures import Chart, Table
from patchbay.nodes.quantization.figures import GIGABYTE
from patchbay.nodes.training.sizes import (
    NETWORKS,
    LoraPlace,
    NetworkShape,
    TrainingSize,
    lora_parameters,
    training_sizes,
)
from patchbay.nodes.units import MEGABYTE
from patchbay.nodes.units import size_in_words as _size

RANKS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
NetworkName = Literal[
    "GPT-3 (175B)", "Llama 2 (70B)", "Llama 2 (7B)", "T5-base", "SmolLM2-135M", "of these numbers"
]


class AdapterCalculator(Node):
    """Work out what training takes, and what is saved of it, before anything is trained.

    All weights beside LoRA (ΔW = BA; Hu et al. 2021, arXiv:2106.09685) and QLoRA (Dettmers et al.
    2023, arXiv:2305.14314): weights, gradients, Adam's two moments, and the checkpoint. Activations
    are left out: they hang on batch and length. For GPT-3 with rank 4 on queries and values that is
    the paper's example: memory of 350 GB in place of 1.2 TB (all states in 16 bits make 1.4 TB), a
    checkpoint of 35 MB (37.7 million bytes) in place of 350 GB.
    """

    kind, version = "train.calculator", 1
    title, family, icon = "Adapter calculator", "Training", "calculator"
    synonyms = ("memory", "vram", "checkpoint", "rank", "lora size", "qlora", "gpt-3", "parameters")

    class Params(NodeParams):
        network: NetworkName = Field("GPT-3 (175B)")
        """Which network; *of these numbers* takes the five below."""
        rank: int = Field(4, ge=1, le=4096)
        """The rank of A and B."""
        where: LoraPlace = Field("query and value")
        """Beside which matrices they stand."""
        bits: Literal[32, 16, 8] = Field(16)
        """Bits of a weight, of a gradient, and of what is saved."""
        moment_bits: Literal[32, 16, 8] = Field(16)
        """Bits of each of the optimizer's two moments."""
        parameters: float = Field(1e9, ge=1e3, le=1e15)
        """Of a network of your own: all its numbers."""
        layers: int = Field(24, ge=1, le=10_000)
        """Of a network of your own."""
        hidden: int = Field(2048, ge=1, le=1_000_000)
        """Of a network of your own: its width."""
        feed_forward: int = Field(8192, ge=1, le=10_000_000)
        """Of a network of your own: the width inside its feed-forward layers."""
        key_value: int = Field(2048, ge=1, le=1_000_000)
        """Of a network of your own: the width of keys and values."""

    class Inputs(Ports):
        """None."""

    class Outputs(Ports):
        table: Table = port(doc="Each way: what is trained, what it takes, what is saved.")
        memory: Chart = port(doc="Memory by what takes it.")
        ranks: Chart = port(doc="The checkpoint of LoRA by rank.")
        claim: str = port(doc="The comparison in one sentence.")

    @classmethod
    def summary(cls, params: Params) -> str:
        return f"{params.network}, rank {params.rank}"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        shape = _shape(params)
        sizes = training_sizes(shape, params.rank, params.where, params.bits, params.moment_bits)
        full, lora, _ = sizes
        claim = (
            f"{params.network}, rank {params.rank} on {params.where}: memory "
            f"{_size(full.memory)} → {_size(lora.memory)}, checkpoint {_size(full.checkpoint)} → "
            f"{_size(lora.checkpoint)}, {full.checkpoint / lora.checkpoint:,.0f} times smaller."
        )
        return self.Outputs(
            table=Table(
                columns=("way", "trained", "share (%)", "weights", "gradients", "optimizer",
                         "memory", "checkpoint"),
                rows=tuple(_row(one, shape) for one in sizes),
                title=f"{params.network}, {shape.parameters:,.0f} parameters, without activations",
            ),
            memory=_memory(sizes),
            ranks=_ranks(shape, params),
            claim=claim,
        )  # fmt: skip


def _shape(params: AdapterCalculator.Params) -> NetworkShape:
    known = NETWORKS.get(params.network)
    return known or NetworkShape(
        params.parameters, params.layers, params.hidden, params.feed_forward, params.key_value
    )


def _row(one: TrainingSize, shape: NetworkShape) -> tuple[JsonValue, ...]:
    return (
        one.way, round(one.trained), float(f"{100 * one.trained / shape.parameters:.3g}"),
        _size(one.weights), _size(one.gradients), _size(one.optimizer), _size(one.memory),
        _size(one.checkpoint),
    )  # fmt: skip


def _memory(sizes: list[TrainingSize]) -> Chart:
    rows = tuple(
        {"way": one.way, "GB": round(amount / GIGABYTE, 3), "what": what}
        for one in sizes
        for what, amount in (("weights", one.weights), ("gradients", one.gradients),
                             ("optimizer", one.optimizer))
    )  # fmt: skip
    return Chart(
        kind="bar", rows=rows, x="way", y="GB", color="what", title="Memory while it trains"
    )


def _ranks(shape: NetworkShape, params: AdapterCalculator.Params) -> Chart:
    rows = tuple(
        {
            "rank": rank,
            "MB": lora_parameters(shape, rank, params.where) * params.bits / 8 / MEGABYTE,
        }
        for rank in RANKS
    )
    return Chart(kind="line", rows=rows, x="rank", y="MB", title="The checkpoint of LoRA by rank")
