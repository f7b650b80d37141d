"""How much memory a flow takes, as it is drawn: the sum, and what each model takes of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from patchbay.flows.checks.memory import MemoryPlan, memory_plan
from patchbay.flows.checks.resolve import resolve_once
from patchbay.flows.runs.defaults import default_pool
from patchbay.nodes.specs import EmbeddingsSpec, ModelSpec, Spec
from patchbay.nodes.units import size_in_words
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.server.questions import Same
from patchbay.studio.server.services import services


def memory_of(document: FlowDocument) -> str:
    """What the flow takes, in words. That it does not fit is a problem like others.

    "" for a flow that opens no model on this machine.
    """
    plan = _plan(Same(document.flow), document.folder)
    words = memory_words(plan)
    loaded = loaded_words(plan, default_pool().resident()) if words else ""
    return f"{words}. {loaded}" if loaded else words


def memory_words(plan: MemoryPlan) -> str:
    """`Takes about 515 MB of memory: a 400 MB, b 115 MB`; "" where nothing is known."""
    parts = [f"{node} {size_in_words(taken)}" for node, taken in plan.by_node().items()]
    if not parts:
        return ""
    places = plan.by_place().values()
    sums = [f"{size_in_words(part.total)} of {part.where}" for part in places if part.total]
    total = f"Takes about {' and '.join(sums)}"
    more = f": {', '.join(parts)}" if len(parts) > 1 else ""
    # Tools and agents take next to nothing; weights that are not here yet may take much.
    unknown = {s.node for s in plan.unknown if isinstance(s.spec, (ModelSpec, EmbeddingsSpec))}
    return f"{total}{more}" + (f". Not known: {', '.join(sorted(unknown))}" if unknown else "")


def loaded_words(plan: MemoryPlan, resident: Sequence[tuple[Spec, int, bool]]) -> str:
    """What is loaded now beside that: of the flow, and of others; "" where nothing is.

    Args:
        plan: what the flow opens.
        resident: what is open: description, estimated bytes, whether it is in use.
    """
    mine = others = busy = 0
    for spec, size, used in resident:
        own = any(_shared(spec, share.spec.resource()) for share in plan.shares)
        mine, others = (mine + size, others) if own else (mine, others + size)
        busy += 0 if own or not used else size
    if not mine and not others:
        return ""
    parts = [f"{size_in_words(mine)} of it"] if mine else ["nothing of it"]
    if others:
        use = "in use" if busy == others else "let go when it runs" if not busy else "partly in use"
        parts.append(f"{size_in_words(others)} of other flows ({use})")
    return f"Loaded now: {', and '.join(parts)}"


def _shared(opened: Spec, asked: Spec) -> bool:
    return opened == asked or opened.together(asked) is not None


@lru_cache(maxsize=64)
def _plan(flow: Same, folder: Path | None) -> MemoryPlan:
    return memory_plan(resolve_once(flow.flow, services().catalog, folder), folder)
