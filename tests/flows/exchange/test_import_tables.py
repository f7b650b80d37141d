"""Every type of every table: what it names here is there, and an export of it alone opens."""

from __future__ import annotations

from typing import Any

import pytest

from patchbay.flows.checks.resolve import ResolvedNode, resolve_node
from patchbay.flows.document.model import NodeInstance
from patchbay.flows.exchange.imports.graph import ForeignGraph, ForeignNode
from patchbay.flows.exchange.imports.lower import Lowering
from patchbay.flows.exchange.imports.params import MISSING, value_of
from patchbay.flows.exchange.imports.table import FOLDER, TypeSpec, table
from patchbay.nodes.catalog import load_catalog

CATALOG = load_catalog()
BUILDERS = sorted(path.stem for path in FOLDER.glob("*.json"))
TYPES = [(builder, spec) for builder in BUILDERS for spec in table(builder).values()]
every_type = pytest.mark.parametrize(
    ("builder", "spec"), TYPES, ids=[f"{builder}-{spec.name}" for builder, spec in TYPES]
)


def pieces_of(spec: TypeSpec) -> dict[str, ResolvedNode]:
    """The nodes of a type with the params that a table always sets."""
    found = {}
    for name, piece in spec.pieces.items():
        if piece.kind.endswith("?"):
            continue
        params = {key: value_of(value, {}) for key, value in piece.params.items()}
        params = {key: value for key, value in params.items() if value is not MISSING}
        found[name] = resolve_node(NodeInstance(id="x", kind=piece.kind, params=params), CATALOG)
    return found


@every_type
def test_its_nodes_and_their_params_are_there(builder: str, spec: TypeSpec):
    for name, piece in spec.pieces.items():
        if piece.kind.endswith("?"):  # a node that is still to come
            continue
        cls = CATALOG.get(piece.kind)
        assert cls is not None, f"{name}: {piece.kind}"
        unknown = set(piece.params) - set(cls.Params.model_fields)
        assert not unknown, f"{piece.kind} has no params {unknown}"
        node = pieces_of(spec)[name]
        assert node.error is None, f"{piece.kind}: {node.error}"


@every_type
def test_its_ports_are_there(builder: str, spec: TypeSpec):
    pieces = pieces_of(spec)

    def check(place: str, side: str) -> None:
        for way in place.lstrip("?").split("|"):
            piece, dot, port = way.rpartition(".")
            node = pieces.get(piece if dot else "it")
            if node is None or node.cls is None or _follows_params(node.cls):
                continue
            ports = node.inputs if side == "in" else node.outputs
            assert ports is not None
            assert port in ports.declared, f"{node.instance.kind} has no {side} {port!r}"

    for source, target in spec.wires:
        check(source, "out")
        check(target, "in")
    for port in (*spec.chat, *spec.talk):
        check(port, "in")
    for place in _places(spec.takes):
        if place[:1] not in ("@", "|", "~", "<", "="):
            check(place, "in")
    for place in _places(spec.gives):
        if not place.startswith("="):
            check(place, "out")


def _follows_params(cls: Any) -> bool:
    from patchbay.nodes.contract import Node

    return (
        cls.input_ports.__func__ is not Node.input_ports.__func__
        or cls.output_ports.__func__ is not Node.output_ports.__func__
    )


def _places(given: Any) -> list[str]:
    flat = []
    for value in given.values():
        flat.extend(value.values() if isinstance(value, dict) else [value])
    return [place for place in flat if place]


@every_type
def test_alone_it_opens_with_a_line_in_the_report(builder: str, spec: TypeSpec):
    graph = ForeignGraph(builder, "alone", nodes=[ForeignNode("one", spec.name, at=(1, 2))])
    lowering = Lowering(graph, CATALOG)
    flow = lowering.run()
    assert lowering.report.entries or flow.notes
    if spec.refused:
        assert [node.disabled for node in flow.nodes] == [True]
        assert spec.refused in flow.notes[0].text
