"""Which nodes are a plain call of a library, and which call it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from patchbay.flows.checks.resolve import ResolvedNode
from patchbay.flows.exchange import (
    crewai_calls,
    langchain_calls,
    llama_index_calls,
    transformers_calls,
)
from patchbay.flows.exchange.call import Call, Maker, Values

if TYPE_CHECKING:
    from patchbay.flows.exchange.script_draft import ScriptDraft


def _makers() -> Mapping[str, list[Maker]]:
    makers: dict[str, list[Maker]] = {}
    for library in (langchain_calls, crewai_calls, llama_index_calls, transformers_calls):
        for kind, make in library.CALLS.items():
            makers.setdefault(kind, []).append(make)
    return makers


_CALLS = _makers()
"""Kind → what makes its call; the first that can. The only place outside the catalog that names
kinds: exporting is saying in another library's words what a kind means."""


def native_call(
    made: ScriptDraft, node: ResolvedNode, inputs: Values, *, dry: bool = False
) -> Call | None:
    """The call that says the same as a node, or None where no library has one."""
    for make in _CALLS.get(node.instance.kind, ()):
        call = make(made, node, inputs, dry)
        if call is not None:
            return call
    return None


def is_said(made: ScriptDraft, node: ResolvedNode) -> bool:
    """Whether a node is written as a plain call: there is one, and something takes what it makes.

    What makes an object of a library (a model, an index) is only of use to other plain calls, and
    not where they say it themselves.
    """
    node_id = node.instance.id
    if node_id not in made.said:
        made.said[node_id] = _is_said(made, node)
    return made.said[node_id]


def _is_said(made: ScriptDraft, node: ResolvedNode) -> bool:
    if node.flow_output is not None:
        return True
    call = native_call(made, node, {}, dry=True)
    if call is None or not call.describes:
        return call is not None
    return any(
        takes_plainly(made, edge.target_node, edge.target_port)
        for edges in made.resolved.outgoing[node.instance.id].values()
        for edge in edges
    )


def takes_plainly(made: ScriptDraft, node_id: str, port: str) -> bool:
    """Whether a plain call takes what comes into a port."""
    node = made.resolved.nodes.get(node_id)
    if node is None or not is_said(made, node):
        return False
    call = native_call(made, node, {}, dry=True)
    return call is None or port not in call.inlines
