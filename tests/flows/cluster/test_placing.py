"""Copies of models on machines: one where memory forbids more, several where requests want them."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from patchbay.flows.cluster.connection import RayNode
from patchbay.flows.cluster.placing import ModelNeed, copies_of, memory_of
from patchbay.flows.problems import FlowError
from patchbay.nodes.values import ModelSpec, Spec

GB = 10**9


class Sized(ModelSpec):
    """A model of a size; a part has a size of its own."""

    backend: ClassVar[str] = "sized"
    elsewhere: ClassVar[bool] = True
    weights: str = "large"
    size: int | None = GB
    part: Spec | None = None

    def memory(self) -> int | None:
        return self.size

    def lighter(self, excess: int) -> tuple[str, ...]:
        return ("fewer bits",)


def machine(host: str, memory: float, gpus: float = 0) -> RayNode:
    return RayNode(host, 4, memory * GB, gpus)


def need(memory: float, slots: int = 4, **more: Any) -> ModelNeed:
    return ModelNeed(Sized(**more), int(memory * GB), slots, "model")


@pytest.mark.parametrize(
    ("needs", "machines", "wanted", "gpus", "copies"),
    [
        ([need(1)], [machine("a", 8)], 100, 0, [1]),  # a second one would share its cores
        ([need(1)], [machine("a", 8), machine("b", 8)], 100, 0, [2]),
        ([need(1)], [machine("a", 8), machine("b", 8)], 4, 0, [1]),  # no more than are asked for
        ([need(1)], [machine("a", 8), machine("b", 8)], 5, 0, [2]),
        ([need(6)], [machine("a", 8), machine("b", 4)], 100, 0, [1]),  # memory forbids it
        ([need(6), need(6)], [machine("a", 8), machine("b", 8)], 100, 0, [1, 1]),
        ([need(6), need(1)], [machine("a", 8), machine("b", 8)], 100, 0, [2, 2]),
        ([need(2)], [machine("a", 8, 2)], 100, 1, [2]),  # one a GPU
        ([need(2)], [machine("a", 8, 4)], 100, 2, [2]),
        ([need(3)], [machine("a", 8, 4)], 100, 1, [2]),
        ([], [machine("a", 8)], 100, 0, []),
    ],
)
def test_copies(
    needs: list[ModelNeed], machines: list[RayNode], wanted: int, gpus: float, copies: list[int]
) -> None:
    assert copies_of(needs, machines, wanted, gpus) == copies


def test_weights_that_no_machine_holds_are_refused_in_words() -> None:
    with pytest.raises(FlowError) as refused:
        copies_of([need(9), need(20), need(1)], [machine("a", 8), machine("b", 2)], 1)
    first, second = refused.value.problems
    assert (first.code, first.node) == ("cluster/no-node", "model")
    assert first.message == ("large needs 9 GB; the machine with most memory, a, has 8 GB for it.")
    assert first.fix == "Choose fewer bits."
    assert "20" in second.message


def test_models_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(FlowError, match="12 GB together; the machines have 8 GB"):
        copies_of([need(6), need(6)], [machine("a", 8)], 1)


def test_a_gpu_that_is_not_there_is_refused() -> None:
    with pytest.raises(FlowError, match="shall get 1 GPUs, and no machine has so many"):
        copies_of([need(1)], [machine("a", 8)], 1, 1)
    with pytest.raises(FlowError, match="none"):
        copies_of([need(1)], [], 1)


def test_the_memory_of_a_model_is_that_of_its_parts_too() -> None:
    assert memory_of(Sized(part=Sized(size=2 * GB))) == 3 * GB
    assert memory_of(Sized(part=Sized(size=None))) is None
