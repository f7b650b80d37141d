"""What a flow is for: worked out from its nodes, so that nobody has to file a flow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patchbay.flows.document.model import Flow
    from patchbay.nodes.catalog import Catalog


@dataclass(frozen=True, slots=True)
class Purpose:
    """Something that flows are for, and the families and kinds of nodes that tell."""

    name: str
    families: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()


def _purpose(name: str, *families: str, kinds: tuple[str, ...] = ()) -> Purpose:
    return Purpose(name, frozenset(families), frozenset(kinds))


OTHERWISE = "Ask and chat"
"""Of a flow with none of the nodes that tell."""

_TELLING = (
    _purpose("Haystack, LlamaIndex and Semantic Kernel", "Systems"),
    _purpose(
        "Train, adapt, quantize", "Training",
        kinds=("model.lora", "model.quantize", "model.quantization_report"),
    ),
    _purpose("Agents and crews", "Agents"),
    _purpose("Compare and measure", "Evaluation", kinds=("model.compare",)),
    _purpose("People and rules", "People", "Safety"),
    _purpose(
        "Prompting techniques", "Techniques", kinds=("prompt.few_shot", "prompt.select_examples")
    ),
    _purpose("Documents and meaning", "Retrieval", "Encoders"),
    _purpose("Branches and loops", "Logic"),
    _purpose("Memory", "Memory"),
    _purpose("Pictures and sound", "Sound and pictures"),
    _purpose("Data and tools", "Data", "Tools"),
)  # fmt: skip
"""The first that has one of a flow's nodes is what the flow is for: the rare ones come first."""

ORDER = (
    OTHERWISE, "Prompting techniques", "Documents and meaning", "Agents and crews",
    "Branches and loops", "People and rules", "Memory", "Data and tools", "Pictures and sound",
    "Compare and measure", "Train, adapt, quantize", "Haystack, LlamaIndex and Semantic Kernel",
)  # fmt: skip
"""How the page lists them: what people begin with first."""


def purpose_of(flow: Flow, catalog: Catalog) -> str:
    """What a flow is for, one of `ORDER`."""
    kinds = {node.kind for node in flow.nodes}
    families = {cls.family for kind in kinds if (cls := catalog.get(kind))}
    for purpose in _TELLING:
        if families & purpose.families or kinds & purpose.kinds:
            return purpose.name
    return OTHERWISE
