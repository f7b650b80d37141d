"""Where models go: how many copies of each, on machines whose memory and GPUs hold them.

Pure: what machines there are, and what models need, is given.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from patchbay.flows.cluster.connection import RayNode, refused
from patchbay.flows.problems import FlowError, Problem
from patchbay.nodes.units import size_in_words
from patchbay.nodes.values import Spec


@dataclass(frozen=True, slots=True)
class ModelNeed:
    """A model that is to be opened somewhere: the description, its memory in bytes with that of its
    parts, and how many requests it takes at once."""

    spec: Spec
    memory: int
    slots: int
    node: str = ""
    """The node of the flow that describes it."""


def memory_of(spec: Spec) -> int | None:
    """The estimate for a description and all that is opened with it; None where it is not known."""
    each = [spec.memory(), *(memory_of(part) for part in spec.parts())]
    known = [one for one in each if one is not None]
    return sum(known) if len(known) == len(each) else None


def copies_of(
    needs: Sequence[ModelNeed], machines: Sequence[RayNode], wanted: int, gpus: float = 0
) -> list[int]:
    """How many copies of each model there shall be: as many as requests want, one a machine (or a
    GPU) at most, and no more than memory holds beside the others.

    Args:
        needs: the models.
        machines: what there is.
        wanted: how many requests may come at once.
        gpus: how many GPUs each copy gets.

    Raises:
        FlowError: no machine holds one of them, or all of them together do not fit.
    """
    alone = [problem for need in needs if (problem := _too_large(need, machines, gpus))]
    if alone:
        raise FlowError(alone)
    left = [[one.memory, one.gpus] for one in machines]
    copies = [0] * len(needs)
    used: list[set[int]] = [set() for _ in needs]
    """Machines that have a copy: without GPUs a second one would share its cores."""
    order = sorted(range(len(needs)), key=lambda place: -needs[place].memory)
    for place in order:  # one of each first, the largest before the others
        if not _take(left, needs[place], gpus, used[place]):
            total = size_in_words(sum(need.memory for need in needs))
            room = size_in_words(sum(one.memory for one in machines))
            raise refused(
                "cluster/no-room", f"The models need {total} together; the machines have {room}.",
                "Add machines, or choose smaller models or shorter contexts.",
            )  # fmt: skip
        copies[place] = 1
    for place in order:
        need = needs[place]
        most = math.ceil(wanted / need.slots)
        while copies[place] < most and _take(left, need, gpus, used[place]):
            copies[place] += 1
    return copies


def _take(left: list[list[float]], need: ModelNeed, gpus: float, used: set[int]) -> bool:
    """Take room for a copy on the machine that has most of it."""
    fits = [n for n, (memory, has) in enumerate(left)
            if n not in used and memory >= need.memory and has >= gpus]  # fmt: skip
    if not fits:
        return False
    chosen = max(fits, key=lambda n: left[n][0])
    left[chosen][0] -= need.memory
    left[chosen][1] -= gpus
    if not gpus:
        used.add(chosen)
    return True


def _too_large(need: ModelNeed, machines: Sequence[RayNode], gpus: float) -> Problem | None:
    """Why no machine holds a model by itself."""
    most = max((one.memory for one in machines), default=0)
    what = str(getattr(need.spec, "weights", "") or need.spec.type_id())
    if need.memory > most:
        where = max(machines, key=lambda one: one.memory).host if machines else "none"
        lighter = need.spec.lighter(int(need.memory - most))
        fix = f"Choose {' or '.join(lighter)}." if lighter else "Choose a smaller model."
        message = (
            f"{what} needs {size_in_words(need.memory)}; the machine with most memory, {where}, "
            f"has {size_in_words(most)} for it."
        )
        return Problem("cluster/no-node", message, fix, node=need.node)
    if gpus and not any(one.gpus >= gpus for one in machines):
        message = f"{what} shall get {gpus:g} GPUs, and no machine has so many."
        return Problem("cluster/no-node", message, "Ask for fewer with --gpus.", node=need.node)
    return None
