"""The list of problems as the canvas gets it: the missing model first, each with edits."""

from __future__ import annotations

import pytest

from patchbay.flows.checks.validate import validate
from patchbay.flows.document.edit import apply
from patchbay.flows.document.model import Edge, Flow, NodeInstance, Place
from patchbay.flows.document.operations import parse_operation
from patchbay.nodes.catalog import load_catalog
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.inspector.elsewhere import openable
from patchbay.studio.inspector.following import followers, givers
from patchbay.studio.inspector.offered_fixes import found_in

CATALOG = load_catalog()


def opened(*nodes: NodeInstance, edges: tuple[Edge, ...] = ()) -> FlowDocument:
    flow = Flow(nodes=nodes, edges=edges)
    return FlowDocument(None, flow, check=lambda flow: validate(flow, CATALOG))


def test_the_missing_model_comes_first_and_its_button_adds_it() -> None:
    ask = NodeInstance(id="ask", kind="model.ask")
    document = opened(NodeInstance(id="lost", kind="nobody.knows"), ask)
    first, *rest = found_in(document)["problems"]
    assert first["offers"][0]["label"] == "Add the local model"
    assert rest
    document.apply(parse_operation(first["offers"][0]["op"]))
    edges = [(edge.source_node, edge.target) for edge in document.flow.edges]
    assert [target for _, target in edges] == ["ask.model"]
    assert document.flow.by_id()[edges[0][0]].kind == "model.gguf"


def test_errors_come_before_warnings() -> None:
    ask = NodeInstance(id="ask", kind="model.ask")
    gone = Flow(nodes=(ask,), layout={"gone": Place(x=0, y=0)})
    document = FlowDocument(None, gone, check=lambda flow: validate(flow, CATALOG))
    severities = [one["severity"] for one in found_in(document)["problems"]]
    assert severities == sorted(severities)
    assert set(severities) == {"error", "warning"}


@pytest.mark.parametrize(
    ("kind", "port"),
    [("model.ask", "prompt"), ("agent.role", "model"), ("retrieval.search", "retriever")],
)
def test_every_wire_that_is_missing_has_a_button_where_nothing_fits(kind: str, port: str) -> None:
    document = opened(NodeInstance(id="it", kind=kind))
    found = next(one for one in found_in(document)["problems"] if one.get("port") == port)
    (offer,) = found["offers"]
    after = apply(document.flow, parse_operation(offer["op"]))
    assert [edge.target for edge in after.edges] == [f"it.{port}"]
    codes = {(p.code, p.port) for p in validate(after, CATALOG) if p.node == "it"}
    assert ("wiring/required", port) not in codes
    assert ("wiring/type-mismatch", port) not in codes


def test_what_is_long_is_cut_and_counted() -> None:
    document = opened(*(NodeInstance(id=f"n{i}", kind="nobody.knows") for i in range(70)))
    found = found_in(document)
    assert len(found["problems"]) == 50
    assert found["more"] >= 20


def test_what_follows_an_output_is_learned_from_the_flows_that_ship() -> None:
    assert followers()["model.ask"]["text"][0] == ("io.output", "value")
    assert followers()["retrieval.load"]["documents"][0] == ("retrieval.split", "documents")
    assert givers()["model.ask"]["model"][0] == ("model.gguf", "model")
    for ports in followers().values():
        for takers in ports.values():
            assert all(kind in CATALOG for kind, _ in takers)


def test_other_flows_and_templates_can_be_opened() -> None:
    found = openable()
    names = {one["name"]: one for one in found["templates"]}
    assert names["ask"]["title"]
    assert not names["ask"]["about"].count("\n")
