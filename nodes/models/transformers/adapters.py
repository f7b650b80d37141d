"""The low-rank adapters that hang on one loaded network, and which row uses which.

LoRA: Hu et al. 2021, https://arxiv.org/abs/2106.09685. Each adapted layer computes W x + s B A x
with small A and B, so one resident W serves any number of adapters, also within one batch.

PEFT's own layers do that for plain LoRA only: a batch with DoRA or saved modules in it is refused,
PiSSA and biases change the shared base, and a chain is not the exact sum. Here every adapter is a
set of differences, added to what a layer gives, for its rows; the network itself stays as it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from patchbay.nodes.models.transformers.changes import Change
from patchbay.nodes.models.transformers.lead import Lead

if TYPE_CHECKING:
    import torch

Changes = Mapping[str, Sequence[Change]]
"""A layer's name in the network → what happens to it."""


class Adapters:
    """A network and its adapters. Not thread-safe: the engine calls it from its thread only."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._held: dict[str, Changes] = {}
        self._leads: dict[str, Lead] = {}
        self._hooks: dict[str, Any] = {}
        self._rows: list[tuple[str, list[int] | None]] = []
        self._failed: dict[str, Exception] = {}

    @property
    def network(self) -> Any:
        """The network under all adapters."""
        return self._model

    @property
    def names(self) -> set[str]:
        """The adapters that hang on the network."""
        return set(self._held)

    def lead(self, name: str | None) -> Lead | None:
        """What an adapter sets before every prompt; None for nothing."""
        return None if name is None else self._leads.get(name)

    def attach(self, name: str, changes: Changes, lead: Lead | None = None) -> None:
        """Hang an adapter on the network.

        Args:
            name: a name of its own.
            changes: what it does to each layer.
            lead: what stands before its prompts.
        """
        self._held[name] = changes
        if lead is not None:
            self._leads[name] = lead
        for path in changes:
            if path not in self._hooks:
                layer = self._model.get_submodule(path)
                self._hooks[path] = layer.register_forward_hook(self._hook(path))

    def detach(self, name: str) -> None:
        """Take an adapter off the network; the last one leaves it as it was."""
        self._held.pop(name, None)
        self._leads.pop(name, None)
        for path in [p for p in self._hooks if not any(p in held for held in self._held.values())]:
            self._hooks.pop(path).remove()

    def clear(self) -> None:
        """Let go of everything."""
        for name in self.names:
            self.detach(name)
        self._model = None

    def mixes(self, name: str | None) -> bool:
        """Whether an adapter's rows can be computed together with others.

        Experts get the tokens of all rows sorted anew, so that nobody can say whose they are.
        """
        return name is None or not any(".experts." in path for path in self._held.get(name, ()))

    def forward(
        self, adapters: Sequence[str | None], **inputs: Any
    ) -> tuple[Any, dict[str, Exception]]:
        """The network's output, each row with its adapter.

        Returns:
            The output, and what went wrong in an adapter: its rows are not to be used, the others
            are as if it had not been there.
        """
        rows: dict[str, list[int]] = defaultdict(list)
        for row, name in enumerate(adapters):
            if name is not None:
                rows[name].append(row)
        self._rows = [(n, None if len(at) == len(adapters) else at) for n, at in rows.items()]
        self._failed = {}
        try:
            return self._model(**inputs), self._failed
        finally:
            self._rows = []

    def _hook(self, path: str) -> Any:
        def added(layer: Any, inputs: tuple[Any, ...], output: Any) -> Any:
            for name, at in self._rows:
                if name in self._failed or path not in self._held[name]:
                    continue
                try:
                    output = _changed(self._held[name][path], layer, inputs[0], output, at)
                except Exception as error:
                    self._failed[name] = error
            return output

        return added


def _changed(
    changes: Sequence[Change], layer: Any, given: Any, output: torch.Tensor, at: list[int] | None
) -> torch.Tensor:
    """The output with the differences of one adapter, in its rows or in all."""
    import torch

    mine, gave = (given, output) if at is None else (given[at], output[at])
    # The differences are of what the layer itself gives, so that their order does not matter.
    total = sum(change.difference(layer, mine, gave) for change in changes)
    if at is None:
        return (output + total).to(output.dtype)
    index = torch.tensor(at, device=output.device)
    return output.index_add(0, index, total.to(output.dtype))


def merge(network: Any, changes: Changes) -> None:
    """Add an adapter to the weights of a network for good: W + s B A.

    A parameter that several layers share, such as embeddings tied to the head, is no longer shared
    after it: an adapter on one of them would otherwise change the others too.
    """
    import torch

    with torch.no_grad():
        added = {path: _total(network.get_submodule(path), all_) for path, all_ in changes.items()}
        for path, parameters in added.items():
            layer = network.get_submodule(path)
            for name, difference in parameters.items():
                old = layer._parameters[name]
                new = difference if old is None else old.float() + difference
                kind = layer.weight.dtype if old is None else old.dtype
                layer._parameters[name] = torch.nn.Parameter(new.to(kind), requires_grad=False)
    head, table = network.get_output_embeddings(), network.get_input_embeddings()
    if head is not None and table is not None and head.weight is not table.weight:
        network.config.tie_word_embeddings = False


def _total(layer: Any, changes: Sequence[Change]) -> dict[str, torch.Tensor]:
    total: dict[str, torch.Tensor] = {}
    for change in changes:
        for name, difference in change.weights(layer).items():
            total[name] = difference if name not in total else total[name] + difference
    return total
