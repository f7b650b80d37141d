"""What training takes and what is saved of it, by arithmetic alone: full, LoRA, QLoRA."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class NetworkShape:
    """A transformer by its numbers: `parameters` in all, and what LoRA may stand beside.

    `hidden` is the width, `feed_forward` that inside the feed-forward layers, of which each layer
    has `feed_forward_matrices`; `key_value` is the width of keys and values (less with grouped
    queries). `blocks` counts attentions: a decoder that also looks at an encoder has two a layer.
    """

    parameters: float
    layers: int
    hidden: int
    feed_forward: int
    key_value: int
    feed_forward_matrices: int = 2
    blocks: int = 0


NETWORKS = {
    "GPT-3 (175B)": NetworkShape(175e9, 96, 12288, 49152, 12288),
    "Llama 2 (70B)": NetworkShape(69e9, 80, 8192, 28672, 1024, 3),
    "Llama 2 (7B)": NetworkShape(6.74e9, 32, 4096, 11008, 4096, 3),
    "T5-base": NetworkShape(223e6, 24, 768, 3072, 768, 2, 36),
    "SmolLM2-135M": NetworkShape(134.5e6, 30, 576, 1536, 192, 3),
}
"""Networks by the sizes that their papers and files give."""

LoraPlace = Literal["query and value", "attention", "feed-forward", "all layers"]
"""Where LoRA stands: as in its paper, all four of attention, or more."""


def lora_parameters(shape: NetworkShape, rank: int, where: LoraPlace) -> int:
    """The numbers of A and B: rank × (in + out) for each matrix (Hu et al. 2021)."""
    h, kv, f = shape.hidden, shape.key_value, shape.feed_forward
    query = output = rank * (h + h)
    value = key = rank * (h + kv)
    attention = shape.blocks or shape.layers
    feed = shape.feed_forward_matrices * rank * (h + f)
    return {
        "query and value": attention * (query + value),
        "attention": attention * (query + key + value + output),
        "feed-forward": shape.layers * feed,
        "all layers": attention * (query + key + value + output) + shape.layers * feed,
    }[where]


@dataclass(frozen=True, slots=True)
class TrainingSize:
    """Bytes of one way to train. `checkpoint` is what is saved of it."""

    way: str
    trained: float
    weights: float
    gradients: float
    optimizer: float
    checkpoint: float

    @property
    def memory(self) -> float:
        """Without activations, which hang on batch and length."""
        return self.weights + self.gradients + self.optimizer


def training_sizes(
    shape: NetworkShape, rank: int, where: LoraPlace, bits: int, moment_bits: int
) -> list[TrainingSize]:
    """All weights, LoRA, and LoRA on weights of 4 bits.

    Args:
        shape: of the network.
        rank: of the adapter.
        where: it stands.
        bits: of a weight, a gradient and what is saved.
        moment_bits: of each of Adam's two moments.
    """
    width, moments = bits / 8, 2 * moment_bits / 8
    count = shape.parameters
    extra = lora_parameters(shape, rank, where)
    quantized = count * (4 + 32 / 64 / 4) / 8  # a scale of 8 bits for 64 numbers, doubly quantized

    def lora(way: str, base: float) -> TrainingSize:
        return TrainingSize(
            way, extra, base + extra * width, extra * width, extra * moments, extra * width
        )

    return [
        TrainingSize("all weights", count, count * width, count * width, count * moments,
                     count * width),
        lora("LoRA", count * width),
        lora("QLoRA (4 bits)", quantized),
    ]  # fmt: skip
