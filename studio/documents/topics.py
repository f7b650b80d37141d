"""What a flow is about: the families of its nodes. Derived, so that nobody has to tag a flow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patchbay.flows.document.model import Flow
    from patchbay.nodes.catalog import Catalog

EVERYWHERE = "Input and output"
"""A family that says nothing of what a flow is about."""


def topics_of(flow: Flow, catalog: Catalog) -> set[str]:
    """The families of the flow's nodes."""
    kinds = {node.kind for node in flow.nodes}
    families = {cls.family for kind in kinds if (cls := catalog.get(kind))}
    return families - {EVERYWHERE}


def topics(flows: Iterable[Flow], catalog: Catalog) -> list[str]:
    """The families that some of the flows have and some have not, in the order of the palette."""
    each = [topics_of(flow, catalog) for flow in flows]
    telling = told_apart(each)
    return list(dict.fromkeys(cls.family for cls in catalog if cls.family in telling))


def told_apart(each: Sequence[set[str]]) -> set[str]:
    """What is in some of the sets and not in all of them."""
    if not each:
        return set()
    return set[str]().union(*each) - each[0].intersection(*each)
