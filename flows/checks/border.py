"""The border of a selection: the wires that cross it, and what they become as a flow's ports."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from patchbay.flows.checks.conditions import Conditions
from patchbay.flows.checks.resolve import Resolved, ResolvedNode
from patchbay.flows.document.edit import EditError
from patchbay.flows.document.graph import ancestors, onward
from patchbay.flows.document.model import Edge
from patchbay.flows.wording import listed, quoted
from patchbay.nodes.contract import DescribingNode, Port
from patchbay.nodes.names import is_name
from patchbay.nodes.values import KIND_TYPES

KINDS: Mapping[str, str] = {
    "text": "text",
    "number": "number",
    "json": "json",
    "messages": "messages",
    "documents": "documents",
    "file": "file",
}
"""What a flow can be given, by the type of the port that gives it."""
MOST_NAMED = 4
"""Nodes that a message names."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """An input or output of the new flow: its name, its type, and the output that feeds it."""

    name: str
    kind: str
    source: str


@dataclass(frozen=True, slots=True)
class Border:
    """What a selection becomes, by the ids of nodes and the names of ports.

    `inside` are the nodes of the new flow, `gone` those of them that leave the old one. A
    description (a model, a tool) that both need is in both: it cannot be handed into a flow.
    """

    inside: tuple[str, ...]
    gone: frozenset[str]
    inputs: tuple[Crossing, ...]
    outputs: tuple[Crossing, ...]

    def enters(self, edge: Edge) -> bool:
        """Whether a wire becomes one into the new node."""
        return edge.source_node not in self.inside and edge.target_node in self.inside

    def leaves(self, edge: Edge) -> bool:
        """Whether a wire becomes one out of the new node."""
        return edge.source_node in self.gone and edge.target_node not in self.inside


def border(resolved: Resolved, chosen: Collection[str]) -> Border:
    """Where a selection is cut out of its flow.

    The flow's own inputs and outputs stay where they are, whether they are chosen or not: what the
    flow asks for and gives does not change.

    Raises:
        EditError: it cannot be cut out; says what to choose besides.
    """
    inside = {i for i, node in resolved.nodes.items() if i in chosen and not _is_end(node)}
    if not inside:
        raise EditError(
            "Choose the nodes that become a flow of their own. The inputs and outputs of this flow "
            "stay where they are."
        )
    along = _going_along(resolved, inside)
    staying = _staying(resolved, inside)
    whole = inside | along
    gone = _gone(resolved, inside - staying, along)
    _refuse_circle(resolved, whole, gone)
    _refuse_branches(resolved, whole)
    cut = Border(tuple(i for i in resolved.nodes if i in whole), frozenset(gone), (), ())
    inputs, outputs = _inputs(resolved, cut), _outputs(resolved, cut)
    if not outputs:
        raise EditError(
            f"Nothing would come out of a flow of {_named(resolved, inside)} alone. Take the nodes "
            "that need what is chosen into the selection too."
        )
    return Border(cut.inside, cut.gone, inputs, outputs)


def _is_end(node: ResolvedNode) -> bool:
    return node.flow_input is not None or node.flow_output is not None


def _describes(resolved: Resolved, node_id: str) -> set[str] | None:
    """The node and all that it is made of, where these are descriptions and nothing else."""
    chain = ancestors(resolved.links, (node_id,))
    classes = [resolved.nodes[each].cls for each in chain]
    return chain if all(cls and issubclass(cls, DescribingNode) for cls in classes) else None


def _going_along(resolved: Resolved, inside: set[str]) -> set[str]:
    """Descriptions outside that nodes of the selection need: they are copied into the new flow."""
    found: set[str] = set()
    for edge in resolved.flow.edges:
        if edge.source_node in inside or edge.target_node not in inside | found:
            continue
        if edge.source_node not in resolved.nodes or input_kind(resolved, edge):
            continue
        chain = _describes(resolved, edge.source_node)
        if chain is None:
            source = resolved.nodes[edge.source_node].output(edge.source_port)
            raise EditError(
                f"{_named(resolved, [edge.source_node])} gives "
                f"{source.type if source else 'something'}, which cannot be handed into a flow. "
                "Take that node into the selection too."
            )
        found |= chain - inside
    return found


def _staying(resolved: Resolved, inside: set[str]) -> set[str]:
    """Descriptions of the selection that nodes outside need: they stay, and are copied."""
    found: set[str] = set()
    for edge in resolved.flow.edges:
        if edge.source_node in inside and edge.target_node not in inside:
            source = resolved.nodes[edge.source_node].output(edge.source_port)
            plain = source is None or all(i in KIND_TYPES for i in source.type.ids)
            found |= set() if plain else (_describes(resolved, edge.source_node) or set())
    return found


def _gone(resolved: Resolved, moved: set[str], along: set[str]) -> set[str]:
    """What leaves the old flow: what was chosen, and descriptions that nobody there needs."""
    gone, links = set(moved), resolved.links
    for node_id in sorted(along, key=lambda each: len(ancestors(links, (each,))), reverse=True):
        if set(links.after[node_id]) <= gone:
            gone.add(node_id)
    return gone


def _refuse_circle(resolved: Resolved, inside: set[str], gone: set[str]) -> None:
    """The new node would wait for itself where a wire leaves and comes back."""
    links, outside = resolved.links, [i for i in resolved.nodes if i not in inside]
    leaving = {after for each in gone for after in links.after[each]} - inside
    reached = {node for start in leaving for node in onward(links, start)}
    entering = {before for each in inside for before in links.before[each]} - inside
    needed = ancestors(links, entering)
    way = [i for i in outside if i in reached and i in needed]
    if way:
        raise EditError(
            f"A wire leaves the selection and comes back by way of {_named(resolved, way)}: the "
            "new node would wait for itself. Take "
            f"{'it' if len(way) == 1 else 'them'} into the selection too."
        )


def _refuse_branches(resolved: Resolved, inside: set[str]) -> None:
    """All of a flow runs, or nothing: what comes in has to come from the same branch."""
    conditions = Conditions(resolved)
    known: dict[object, Edge] = {}
    for edge in resolved.flow.edges:
        if edge.source_node not in inside and edge.target_node in inside:
            known.setdefault(conditions.wire(edge), edge)
    if len(known) > 1:
        one, other = list(known.values())[:2]
        raise EditError(
            f"{_output_named(resolved, one)} and {_output_named(resolved, other)} are not always "
            "reached in the same run, and a flow runs as a whole. Take the node where "
            "the ways part into the selection, or leave one of the ways out."
        )


# --- ports ----------------------------------------------------------------------------------------


def input_kind(resolved: Resolved, edge: Edge) -> str | None:
    """As what kind a flow is given what goes over a wire; None where it cannot be given that."""
    source = resolved.nodes[edge.source_node].output(edge.source_port)
    target = resolved.nodes[edge.target_node].input(edge.target_port)
    given, taken = _ids(source), _ids(target)
    if "any" not in given:
        kinds = [KINDS[each] for each in given if each in KINDS]
        return kinds[0] if len(kinds) == len(given) else None
    if taken == ("any",) or "text" in taken:
        return "text"
    return next((KINDS[each] for each in taken if each in KINDS), None)


def _ids(port: Port | None) -> tuple[str, ...]:
    return port.type.ids if port is not None else ("any",)


def _inputs(resolved: Resolved, cut: Border) -> tuple[Crossing, ...]:
    found: dict[str, Crossing] = {}
    for edge in resolved.flow.edges:
        if cut.enters(edge) and edge.source not in found and edge.source_node in resolved.nodes:
            asked = resolved.nodes[edge.source_node].flow_input
            name = asked.name if asked else edge.target_port
            taken = {each.name for each in found.values()}
            kind = input_kind(resolved, edge) or "text"
            found[edge.source] = Crossing(_free(name, taken), kind, edge.source)
    return tuple(found.values())


def _outputs(resolved: Resolved, cut: Border) -> tuple[Crossing, ...]:
    found: dict[str, Crossing] = {}
    for edge in resolved.flow.edges:
        if cut.leaves(edge) and edge.source not in found:
            target = resolved.nodes.get(edge.target_node)
            name = (target.flow_output if target else None) or edge.source_port
            _add_output(resolved, found, edge.source, name)
    for node_id in cut.inside if not found else ():
        outputs = resolved.nodes[node_id].outputs
        if node_id in cut.gone and outputs and not resolved.outgoing[node_id]:
            for name, port in outputs.declared.items():
                if not port.hidden:
                    _add_output(resolved, found, f"{node_id}.{name}", name)
    return tuple(found.values())


def _add_output(resolved: Resolved, found: dict[str, Crossing], source: str, name: str) -> None:
    node_id, _, output = source.partition(".")
    ids = _ids(resolved.nodes[node_id].output(output))
    kind = ids[0] if len(ids) == 1 and ids[0] in KIND_TYPES else "any"
    taken = {each.name for each in found.values()}
    found[source] = Crossing(_free(name, taken), kind, source)


def _free(wanted: str, taken: Collection[str]) -> str:
    """A plain name near the wanted one: `text`, then `text_2`."""
    base = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in wanted)[:60]
    base = base if is_name(base) else f"in_{base}"[:60]
    number, name = 1, base
    while name in taken:
        number += 1
        name = f"{base}_{number}"
    return name


def _named(resolved: Resolved, ids: Collection[str]) -> str:
    """Nodes by their titles, in the flow's order."""
    titles = (resolved.nodes[i].title for i in resolved.nodes if i in ids)
    return listed(titles, last="and", limit=MOST_NAMED)


def _output_named(resolved: Resolved, edge: Edge) -> str:
    """An output by the title of its node and its own name."""
    return f"{quoted(resolved.nodes[edge.source_node].title)} ({edge.source_port})"
