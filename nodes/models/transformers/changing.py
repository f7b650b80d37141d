"""From an adapter's tensors to what they do to the layers of a network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.transformers.adapter import (
    DOWN,
    FACTORS,
    LENGTHS,
    NARROW,
    SHIFT,
    UP,
    WHOLE,
    WIDE,
    Adapter,
    place_of,
)
from patchbay.nodes.models.transformers.changes import (
    Bottleneck,
    Change,
    LowRank,
    LowRankEmbedding,
    Replaced,
    Scaled,
    dense,
    stretched,
)

if TYPE_CHECKING:
    import torch


def changes_of(
    adapter: Adapter, tensors: Mapping[str, torch.Tensor], scale: float, network: Any
) -> dict[str, list[Change]]:
    """What an adapter does to each layer of a network that it acts on.

    Args:
        adapter: what its files say, checked against the network.
        tensors: its tensors, under the names in its file.
        scale: how strongly it acts: 0 not at all, 1 as it was trained.
        network: looked at, where the adapter is a change of what is there; it stays as it is.

    Raises:
        NodeError: the network lacks what the adapter changes.
    """
    import torch

    pieces: dict[str, dict[str, torch.Tensor]] = defaultdict(dict)
    whole: dict[str, dict[str, torch.Tensor]] = defaultdict(dict)
    with torch.no_grad():
        for name, tensor in tensors.items():
            if (at := place_of(name)) is None:
                continue
            layer = _layer(adapter, network, at[0])
            if at[1] == WHOLE:
                whole[at[0]][at[2]] = _like(adapter, tensor, layer, *at)
            else:
                pieces[at[0]][at[1]] = tensor.to(layer.weight.device, torch.float32)
        changes: dict[str, list[Change]] = defaultdict(list)
        for path, found in pieces.items():
            changes[path] = _low_rank(adapter, path, found, scale, network)
        for path, parameters in _everywhere(adapter, whole, network).items():
            changes[path].append(Replaced(parameters, scale))
    return dict(changes)


def _low_rank(
    adapter: Adapter, path: str, found: Mapping[str, torch.Tensor], scale: float, network: Any
) -> list[Change]:
    if FACTORS in found:
        factors = found[FACTORS]
        return [Scaled((factors.flatten() - 1) * scale, inputs=factors.shape[0] == 1)]
    if f"{NARROW}.weight" in found:
        narrow, narrow_shift = found[f"{NARROW}.weight"], found[f"{NARROW}.bias"]
        wide, wide_shift = found[f"{WIDE}.weight"], found[f"{WIDE}.bias"]
        return [Bottleneck(narrow, narrow_shift, wide, wide_shift, scale)]
    layer = network.get_submodule(path)
    strength = adapter.settings.strength(path)
    stretches = LENGTHS in found
    up = found[UP] * (strength if stretches else strength * scale)
    inner: LowRank | LowRankEmbedding
    if path in adapter.embeddings:
        inner = LowRankEmbedding(found[DOWN], up)
    else:
        shift = found[SHIFT] * strength * scale if SHIFT in found else None
        inner = LowRank(found[DOWN], up, shift)
    if stretches:
        return [stretched(layer, inner, found[LENGTHS], scale)]
    changes: list[Change] = [inner]
    if adapter.settings.takes_from_base:
        down, start = _principal(adapter, path, dense(layer), strength)
        changes.append(LowRank(down, start * -(strength * scale)))
    return changes


def _principal(
    adapter: Adapter, path: str, weight: torch.Tensor, strength: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """The matrices that training began with, which the base has lost: A, then B."""
    import torch

    rank = adapter.settings.rank(path)
    if adapter.settings.begins_with == "olora":
        rows, columns = torch.linalg.qr(weight)
        return columns[:rank], rows[:, :rank]
    left, values, right = torch.linalg.svd(weight, full_matrices=False)
    roots = (values[:rank] / strength).sqrt()
    return roots[:, None] * right[:rank], left[:, :rank] * roots


def _everywhere(
    adapter: Adapter, whole: Mapping[str, dict[str, torch.Tensor]], network: Any
) -> dict[str, dict[str, torch.Tensor]]:
    """The replaced parameters of each layer, and of those that share them.

    A module that the config saves has a copy of its own; another parameter in the file is that of
    the base, whoever uses it. One that is as it was is left out.
    """
    found: dict[str, dict[str, torch.Tensor]] = defaultdict(dict)
    for path, parameters in whole.items():
        for name, tensor in parameters.items():
            old = network.get_submodule(path)._parameters[name]
            if tensor.shape == old.shape and tensor.equal(old):
                continue
            places = [path] if adapter.settings.saves(path) else _sharing(network, old)
            for place in places:
                found[place].setdefault(name, tensor)
    return found


def _sharing(network: Any, parameter: Any) -> list[str]:
    return [
        path
        for path, layer in network.named_modules()
        if any(own is parameter for own in layer._parameters.values())
    ]


def _layer(adapter: Adapter, network: Any, path: str) -> Any:
    try:
        layer = network.get_submodule(path)
    except AttributeError as error:
        raise _lacking(adapter, f"a layer {path}") from error
    if not layer._parameters or layer._parameters.get("weight") is None:
        raise _lacking(adapter, f"weights in {path}")
    return layer


def _like(
    adapter: Adapter, tensor: torch.Tensor, layer: Any, path: str, role: str, name: str
) -> torch.Tensor:
    """A whole parameter, on the device and in the type of the one that it replaces."""
    own = layer._parameters.get(name)
    if own is None or own.shape != tensor.shape or not own.is_floating_point():
        raise _lacking(adapter, f"a parameter {path}.{name} of that size to replace")
    return tensor.to(own.device, own.dtype)


def _lacking(adapter: Adapter, what: str) -> NodeError:
    return NodeError(
        f"The adapter {adapter.reference!r} does not fit the model, which lacks {what}.",
        fix=f"Wire the model that it was trained on{f', {adapter.base}' if adapter.base else ''}.",
        port="model",
        code="adapter/misfit",
        retry=False,
    )
