"""Which branches must have been taken when a node runs, and so which wires exclude each other.

For every node two sets of (node, output) pairs are kept, over outputs of which at most one is ever
set: those that `must` have been set when the node runs, and those that `cannot` have been. A port
that several wires reach needs only one of them to deliver, so it knows what all of them share; a
node knows what any of its needed ports knows. Two wires exclude each other when what the one must
have, the other cannot. The sets are bits of whole numbers: joining thousands of them stays cheap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from patchbay.flows.checks.resolve import Resolved, ResolvedNode
from patchbay.flows.document.graph import generations
from patchbay.flows.document.model import Edge


@dataclass(frozen=True, slots=True)
class Condition:
    """Outputs that must have been set and outputs that cannot have been, as bits."""

    must: int = 0
    cannot: int = 0

    def __and__(self, other: Condition) -> Condition:
        """Both hold."""
        return Condition(self.must | other.must, self.cannot | other.cannot)

    def __or__(self, other: Condition) -> Condition:
        """One of them holds: what they share."""
        return Condition(self.must & other.must, self.cannot & other.cannot)

    def excludes(self, other: Condition) -> bool:
        """Whether the two can never hold in one run."""
        return bool(self.must & other.cannot or self.cannot & other.must)

    @property
    def impossible(self) -> bool:
        """Whether it can never hold."""
        return bool(self.must & self.cannot)


ALWAYS = Condition()

MAX_WIRES = 300
"""How many wires into one port are compared."""


class Conditions:
    """The conditions of a flow's nodes and wires. Nodes on and behind cycles have none."""

    def __init__(self, resolved: Resolved) -> None:
        self._given = _given_by_outputs(resolved)
        self._nodes: dict[str, Condition] = {}
        for node_id in generations(resolved.links):
            node = resolved.nodes[node_id]
            self._nodes[node_id] = self._of_inputs(node, resolved.incoming[node_id])

    def node(self, node_id: str) -> Condition | None:
        """What holds when the node runs; None where it is not known."""
        return self._nodes.get(node_id)

    def wire(self, edge: Edge) -> Condition | None:
        """What holds when the wire delivers; None where it is not known."""
        source, _, output = edge.source.partition(".")
        known = self._nodes.get(source)
        own = self._given.get((source, output))
        return known & own if known is not None and own is not None else known

    def clash(self, edges: Sequence[Edge]) -> tuple[Edge, Edge] | None:
        """Two of the wires that may both deliver in one run, or None.

        Only the first `MAX_WIRES` are compared, each with each; past that the engine's own rule
        (the first wire that delivers wins) has to do.
        """
        wires = edges[:MAX_WIRES]
        known = [(edge, found) for edge in wires if (found := self.wire(edge)) is not None]
        for index, (first, one) in enumerate(known):
            for second, other in known[index + 1 :]:
                if not one.excludes(other):
                    return first, second
        return None

    def _of_inputs(self, node: ResolvedNode, wires: Mapping[str, list[Edge]]) -> Condition:
        # A node all of whose wires stay empty is skipped, so a lone wired port counts as required.
        alone = len(wires) == 1
        found = ALWAYS
        for port, edges in wires.items():
            declared = node.input(port)
            if alone or (declared is not None and declared.required):
                found = found & self._of_port(edges)
        return found

    def _of_port(self, edges: Iterable[Edge]) -> Condition:
        shared: Condition | None = None
        for edge in edges:
            known = self.wire(edge)
            if known is None:
                return ALWAYS
            shared = known if shared is None else shared | known
        return shared or ALWAYS


def _given_by_outputs(resolved: Resolved) -> dict[tuple[str, str], Condition]:
    given: dict[tuple[str, str], Condition] = {}
    bit = 1
    for node_id, node in resolved.nodes.items():
        if len(node.exclusive) < 2:
            continue
        bits = {output: bit << index for index, output in enumerate(node.exclusive)}
        everything = sum(bits.values())
        for output, own in bits.items():
            given[node_id, output] = Condition(own, everything ^ own)
        bit <<= len(bits)
    return given
