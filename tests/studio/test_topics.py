"""What templates are about follows from their nodes."""

from __future__ import annotations

from patchbay.flows.document.model import Flow, NodeInstance
from patchbay.nodes.catalog import load_catalog
from patchbay.studio.documents.topics import topics, topics_of

CATALOG = load_catalog()


def flow(*kinds: str) -> Flow:
    return Flow(nodes=tuple(NodeInstance(id=f"n{i}", kind=k) for i, k in enumerate(kinds)))


def test_a_flow_is_about_the_families_of_its_nodes() -> None:
    found = topics_of(flow("io.input", "model.ask", "logic.branch", "not.here"), CATALOG)
    assert found == {"Models", "Logic"}


def test_a_topic_that_all_flows_share_tells_nothing() -> None:
    flows = [flow("model.ask", "text.join"), flow("model.ask", "prompt.template")]
    assert topics(flows, CATALOG) == ["Prompts", "Text"]
    assert topics([], CATALOG) == []
