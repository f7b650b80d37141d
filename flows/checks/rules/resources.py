"""Rules about what a flow asks of the machine."""

from __future__ import annotations

from collections.abc import Iterator

from patchbay.flows import machine
from patchbay.flows.checks.memory import MemoryPlan, Share
from patchbay.flows.checks.rules.base import Facts, Finding
from patchbay.flows.wording import quoted
from patchbay.nodes.units import size_in_words


def memory(facts: Facts) -> Iterator[Finding]:
    """The models of a flow need more memory together than this machine has for them.

    The sum is estimated from the descriptions alone: weights, key-value caches of all parallel
    requests, adapters, buffers. What several nodes share counts once. A run closes a model that is
    idle to open another, so a flow whose models are not used at the same time may still run. What
    runs on a graphics card counts against the memory of that card.
    """
    for gpu, plan in facts.memory.by_place().items():
        yield from _too_much(plan, gpu)


def fits(plan: MemoryPlan) -> bool:
    """Whether all of it has room where it lies: in the machine's memory, and on each card."""
    places = plan.by_place().items()
    return all(part.total <= machine.allowed_memory(gpu) for gpu, part in places)


def _too_much(plan: MemoryPlan, gpu: int | None) -> Iterator[Finding]:
    if not plan.total:
        return
    allowed = machine.allowed_memory(gpu)
    excess = plan.total - allowed
    if excess <= 0:
        return
    shares = plan.by_node()
    largest = next(iter(shares))
    parts = ", ".join(f"{quoted(node)} {size_in_words(size)}" for node, size in shares.items())
    need = f"This flow needs about {size_in_words(plan.total)} of {plan.where}"
    has = "this machine has" if gpu is None else f"graphics card {gpu} has"
    yield Finding(
        f"{need} ({parts}), but {has} {size_in_words(allowed)} for models.",
        _what_fits(plan, excess),
        node=largest.partition("/")[0],
    )


def _what_fits(plan: MemoryPlan, excess: int) -> str:
    for share in sorted(plan.shares, key=lambda share: -(share.size or 0)):
        if ways := _lighter(share, excess):
            return f"Give {quoted(share.node)} {' or '.join(ways)}."
    return "Take smaller models, or fewer of them."


def _lighter(share: Share, excess: int) -> tuple[str, ...]:
    try:
        return share.spec.lighter(excess)
    except Exception:  # a stranger's defect
        return ()
