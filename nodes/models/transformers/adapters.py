"""The low-rank adapters that hang on one loaded network, and which row uses which.

LoRA: Hu et al. 2021, https://arxiv.org/abs/2106.09685. Each adapted layer computes W x + s B A x
with small A and B, so one resident W serves any number of adapters, also within one batch.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from patchbay.nodes.models.transformers.libraries import making_networks

if TYPE_CHECKING:
    import torch

BASE = "__base__"
"""PEFT's name for rows without an adapter."""


_HARMLESS = ("Adapter .* was active which is now deleted", "`is_gradient_checkpointing`")
"""PEFT warns of what we do on purpose, and of a name inside Transformers."""


class Adapters:
    """A network and its adapters. Not thread-safe: the engine calls it from its thread only."""

    def __init__(self, model: Any) -> None:
        self._plain = model
        self._peft: Any = None
        self._active: str | None = ""  # neither an adapter nor the base: set at the first use
        self.names: set[str] = set()

    @making_networks()
    def attach(self, name: str, config: Any, tensors: Mapping[str, torch.Tensor]) -> None:
        """Hang an adapter on the network.

        Args:
            name: a name of its own.
            config: PEFT's `LoraConfig`.
            tensors: its matrices, under the names in the adapter's file.
        """
        from peft import PeftModel, set_peft_model_state_dict

        for harmless in _HARMLESS:
            warnings.filterwarnings("ignore", harmless)

        if self._peft is None:
            self._peft = PeftModel(self._plain, config, adapter_name=name)
        else:
            self._peft.add_adapter(name, config)
        set_peft_model_state_dict(self._peft, dict(tensors), adapter_name=name)
        self._peft.eval()
        self.names.add(name)
        self._active = ""

    def combine(self, name: str, parts: list[str]) -> None:
        """One adapter that is the sum of several, exactly: their matrices side by side."""
        weights = [1.0] * len(parts)
        self._peft.add_weighted_adapter(parts, weights, name, combination_type="cat")
        self._peft.eval()
        self.names.add(name)
        self._active = ""

    def detach(self, name: str) -> None:
        """Take an adapter off the network; the last one leaves it as it was."""
        if name not in self.names:
            return
        self.names.discard(name)
        if self.names:
            self._peft.delete_adapter(name)
        else:
            self._plain = self._peft.unload()
            self._peft = None
        self._active = ""

    def merged(self, name: str) -> Any:
        """The network with an adapter added to its weights for good: W + s B A."""
        network = self._peft.merge_and_unload(adapter_names=[name])
        self.clear()
        return network

    def clear(self) -> None:
        """Let go of everything."""
        self._plain = self._peft = None
        self.names.clear()

    def forward(self, adapters: list[str | None], **inputs: Any) -> Any:
        """The network's output, each row with its adapter."""
        if self._peft is None:
            return self._plain(**inputs)
        if len(set(adapters)) == 1:
            self._activate(adapters[0])
            return self._peft(**inputs)
        self._activate(next(name for name in adapters if name is not None))
        names = [BASE if name is None else name for name in adapters]
        return self._peft(**inputs, adapter_names=names)

    def _activate(self, name: str | None) -> None:
        if name == self._active:
            return
        tuner = self._peft.base_model
        if name is None:
            tuner.disable_adapter_layers()
        else:
            tuner.enable_adapter_layers()
            tuner.set_adapter(name, inference_mode=True)
        self._active = name
