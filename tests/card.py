"""A graphics card for machines without one: what lies on it computes truly, and mixes with nothing.

A tensor on this card says that its device is `meta`, and holds its numbers in one on the processor.
As on a true card, an operation over tensors of both places fails; so a test sees where something
was forgotten on the processor. Numbers are those of the processor; speed and memory say nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

CARD = "meta"

MIXING = {
    getattr(torch.ops.aten, name)
    for name in ("_to_copy", "copy_", "index", "index_put", "index_put_")
}
"""Operations that true cards take tensors of both places for."""


class OnCard(torch.Tensor):
    """A tensor on the card."""

    held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> OnCard:
        made: OnCard = torch.Tensor._make_wrapper_subclass(
            cls, held.shape, strides=held.stride(), storage_offset=held.storage_offset(),
            dtype=held.dtype, device=CARD, requires_grad=False,
        )  # fmt: skip
        made.held = held
        return made

    def tolist(self) -> Any:
        """Its numbers, as those of a true card are read."""
        return self.held.tolist()

    def __getitem__(self, at: Any) -> Any:
        """Lists choose rows; torch would look for their numbers on the card."""
        parts = at if isinstance(at, tuple) else (at,)
        said = tuple(_TENSOR(one) if isinstance(one, list) else one for one in parts)
        return super().__getitem__(said if isinstance(at, tuple) else said[0])

    def __repr__(self, **_: Any) -> str:
        return f"OnCard({self.held})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = dict(kwargs or {})
        there = [one for one in tree_flatten((args, given))[0] if isinstance(one, torch.Tensor)]
        strange = [one for one in there if not isinstance(one, OnCard) and one.dim()]
        if strange and func.overloadpacket not in MIXING:
            raise RuntimeError(f"{func} takes tensors on the card and on the processor")
        leaves = given.get("device") is not None and torch.device(given["device"]).type != CARD
        if "device" in given:
            given["device"] = torch.device("cpu")
        inside = func(*tree_map(_inner, args), **tree_map(_inner, given))
        if func.overloadpacket is torch.ops.aten._local_scalar_dense or leaves:
            return inside
        if func._schema.is_mutable and args and isinstance(args[0], torch.Tensor):
            return args[0]
        return tree_map(_outer, inside)


class _Making(TorchDispatchMode):
    """What is made on the card, or goes there."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = dict(kwargs or {})
        device = given.get("device")
        there = [one for one in tree_flatten((args, given))[0] if isinstance(one, OnCard)]
        if there or device is None or torch.device(device).type != CARD:
            return func(*args, **given)
        return tree_map(_outer, func(*args, **{**given, "device": torch.device("cpu")}))


def _inner(value: Any) -> Any:
    return value.held if isinstance(value, OnCard) else value


def _outer(value: Any) -> Any:
    return OnCard(value) if isinstance(value, torch.Tensor) else value


def _tensor(data: Any, *, device: Any = None, **more: Any) -> torch.Tensor:
    """`torch.tensor`, which asks nobody where it goes."""
    made = _TENSOR(data, **more)
    there = device is not None and torch.device(device).type == CARD
    return OnCard(made) if there else made


_TENSOR = torch.tensor


@contextmanager
def card() -> Iterator[str]:
    """While this lasts, the thread has a card; its name."""
    with (
        _Making(),
        mock.patch.object(torch, "tensor", _tensor),
        # Views of tensors of a class of one's own do not go with `inference_mode`.
        mock.patch.object(torch, "inference_mode", torch.no_grad),
    ):
        yield CARD
