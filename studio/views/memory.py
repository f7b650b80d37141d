"""How much memory a flow takes, as it is drawn: the sum, and what each model takes of it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from patchbay.flows.checks.memory import MemoryPlan, memory_plan
from patchbay.flows.checks.resolve import resolve_once
from patchbay.nodes.specs import EmbeddingsSpec, ModelSpec
from patchbay.nodes.units import size_in_words
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.server.questions import Same
from patchbay.studio.server.services import services


def memory_of(document: FlowDocument) -> str:
    """What the flow takes, in words. That it does not fit is a problem like others.

    "" for a flow that opens no model on this machine.
    """
    return memory_words(_plan(Same(document.flow), document.folder))


def memory_words(plan: MemoryPlan) -> str:
    """`Takes about 515 MB of memory: a 400 MB, b 115 MB`; "" where nothing is known."""
    parts = [f"{node} {size_in_words(taken)}" for node, taken in plan.by_node().items()]
    if not parts:
        return ""
    total = f"Takes about {size_in_words(plan.total)} of memory"
    more = f": {', '.join(parts)}" if len(parts) > 1 else ""
    # Tools and agents take next to nothing; weights that are not here yet may take much.
    unknown = {s.node for s in plan.unknown if isinstance(s.spec, (ModelSpec, EmbeddingsSpec))}
    return f"{total}{more}" + (f". Not known: {', '.join(sorted(unknown))}" if unknown else "")


@lru_cache(maxsize=64)
def _plan(flow: Same, folder: Path | None) -> MemoryPlan:
    return memory_plan(resolve_once(flow.flow, services().catalog), folder)
