"""What an adapter does to one layer of a network: added to the layer's output, or to its weights.

LoRA: W x + s B A x (Hu et al. 2021, https://arxiv.org/abs/2106.09685). DoRA: the rows of W + s B A
brought to a length that was trained (Liu et al. 2024, https://arxiv.org/abs/2402.09353). Each is
written as a difference from the layer, so that the differences of several adapters add up exactly,
and half the strength is half the difference.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from patchbay.nodes.models.transformers.packing import unpacked

if TYPE_CHECKING:
    import torch


class Change(Protocol):
    """A change of one layer."""

    def difference(self, layer: Any, given: Any, gave: torch.Tensor) -> torch.Tensor:
        """What is to be added to what the layer gave.

        Args:
            layer: the layer of the network.
            given: its input.
            gave: its own output.
        """

    def weights(self, layer: Any) -> dict[str, torch.Tensor]:
        """Parameter → what is to be added to it, for the same effect for good; 32-bit floats."""


@dataclass(frozen=True, slots=True)
class LowRank:
    """Two thin matrices: `down` (rank x inputs), `up` (outputs x rank), its strength in it."""

    down: torch.Tensor
    up: torch.Tensor
    shift: torch.Tensor | None = None
    """Added to every output: a bias of `up`."""

    def difference(self, layer: Any, given: Any, gave: torch.Tensor) -> torch.Tensor:
        """s B A x."""
        from torch.nn.functional import linear

        return linear(linear(given.to(self.down.dtype), self.down), self.up, self.shift)

    def weights(self, layer: Any) -> dict[str, torch.Tensor]:
        """s B A."""
        added = {"weight": turned(layer, self.up @ self.down)}
        return added if self.shift is None else {**added, "bias": self.shift}


@dataclass(frozen=True, slots=True)
class LowRankEmbedding:
    """Likewise for a table of tokens: `down` (rank x tokens), `up` (width x rank)."""

    down: torch.Tensor
    up: torch.Tensor

    def difference(self, layer: Any, given: Any, gave: torch.Tensor) -> torch.Tensor:
        """s B A, in the columns of the tokens."""
        from torch.nn.functional import embedding, linear

        found = linear(embedding(given, self.down.T), self.up)
        return found * getattr(layer, "embed_scale", 1.0)

    def weights(self, layer: Any) -> dict[str, torch.Tensor]:
        """s B A, a row for each token."""
        return {"weight": (self.up @ self.down).T}


@dataclass(frozen=True, slots=True)
class Stretched:
    """DoRA: the changed weights, each output brought to its own length. `factor` has one each."""

    inner: LowRank | LowRankEmbedding
    factor: torch.Tensor
    scale: float = 1.0

    def difference(self, layer: Any, given: Any, gave: torch.Tensor) -> torch.Tensor:
        """(f - 1) W x + f s B A x."""
        bias = getattr(layer, "bias", None)
        own = (gave if bias is None else gave - bias).to(self.factor.dtype)
        added = self.inner.difference(layer, given, gave)
        return ((self.factor - 1) * own + self.factor * added) * self.scale

    def weights(self, layer: Any) -> dict[str, torch.Tensor]:
        """f (W + s B A) - W."""
        own, added = dense(layer), self.inner.weights(layer)["weight"]
        embeds = isinstance(self.inner, LowRankEmbedding)
        changed = turned(layer, self.factor[None] if embeds else self.factor[:, None])
        new = changed * (turned(layer, own) + added)
        return {"weight": (new - turned(layer, own)) * self.scale}


@dataclass(frozen=True, slots=True)
class Replaced:
    """Whole parameters in place of the layer's own."""

    parameters: Mapping[str, torch.Tensor]
    scale: float = 1.0

    def difference(self, layer: Any, given: Any, gave: torch.Tensor) -> torch.Tensor:
        """What a copy of the layer with these parameters gives, less what the layer gave."""
        other = copy.copy(layer)
        other._parameters = {**layer._parameters, **self.parameters}
        other._forward_hooks = {}
        return (other.forward(given) - gave) * self.scale

    def weights(self, layer: Any) -> dict[str, torch.Tensor]:
        """New less old."""
        return {
            name: (new.float() - layer._parameters[name].float()) * self.scale
            for name, new in self.parameters.items()
        }


@dataclass(frozen=True, slots=True)
class Scaled:
    """IA3: what goes into a layer, or comes out, number by number times a factor.

    `more` is by how much each factor is above one, its strength in it.
    """

    more: torch.Tensor
    inputs: bool

    def difference(self, layer: Any, given: Any, gave: torch.Tensor) -> torch.Tensor:
        """W (f x) - W x, or (f - 1) W x."""
        if not self.inputs:
            return gave.to(self.more.dtype) * self.more
        return layer.forward(given * (1 + self.more).to(given.dtype)) - gave

    def weights(self, layer: Any) -> dict[str, torch.Tensor]:
        """W's columns, or its rows and the bias, times what is above one."""
        own = dense(layer)
        if self.inputs:
            return {"weight": turned(layer, own * self.more[None])}
        added = {"weight": turned(layer, own * self.more[:, None])}
        bias = getattr(layer, "bias", None)
        return added if bias is None else {**added, "bias": bias.float() * self.more}


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """What a layer gives, through a narrow layer and back, added to it: Houlsby et al. 2019.

    `narrow` is rank x outputs, `wide` outputs x rank; between them is GELU.
    """

    narrow: torch.Tensor
    narrow_shift: torch.Tensor
    wide: torch.Tensor
    wide_shift: torch.Tensor
    scale: float = 1.0

    def difference(self, layer: Any, given: Any, gave: torch.Tensor) -> torch.Tensor:
        """B gelu(A y + a) + b, for what the layer gave as y."""
        from torch.nn.functional import gelu, linear

        held = gelu(linear(gave.to(self.narrow.dtype), self.narrow, self.narrow_shift))
        return linear(held, self.wide, self.wide_shift) * self.scale

    def weights(self, layer: Any) -> dict[str, torch.Tensor]:
        """None: it is not linear. Descriptions that would need it are refused before."""
        raise NotImplementedError("a bottleneck is no change of weights")


def stretched(
    layer: Any, inner: LowRank | LowRankEmbedding, lengths: torch.Tensor, scale: float
) -> Stretched:
    """DoRA on a layer, whose weights are looked at once: they stay as they are."""
    import torch

    embeds = isinstance(inner, LowRankEmbedding)
    whole = dense(layer) + turned(layer, inner.weights(layer)["weight"])
    norms = torch.linalg.norm(whole, dim=0 if embeds else 1)
    return Stretched(inner, lengths.to(norms) / norms, scale)


def turned(layer: Any, weight: torch.Tensor) -> torch.Tensor:
    """Outputs x inputs, or the other way round where the layer stores them so (GPT-2's)."""
    return weight.T if type(layer).__name__ == "Conv1D" else weight


def dense(layer: Any) -> torch.Tensor:
    """A layer's weights as 32-bit floats, outputs x inputs, out of whatever form they have."""
    weight = layer.weight
    kind = type(weight).__name__
    if kind == "Params4bit":
        return unpacked(weight)
    if kind == "Int8Params":
        from bitsandbytes.functional import int8_vectorwise_dequant

        state = layer.state
        codes = weight.data if state.CB is None else state.CB
        scales = weight.SCB if state.SCB is None else state.SCB
        return int8_vectorwise_dequant(codes, scales).float()
    return turned(layer, weight.detach().float())
