"""What nodes are called where a run is told: nodes of one kind apart by what they are about."""

from __future__ import annotations

from patchbay.flows.document.model import Flow, NodeInstance
from patchbay.flows.document.reading import read_flow
from patchbay.flows.document.titles import node_title
from patchbay.nodes.catalog import load_catalog
from tests.paths import ROOT

CATALOG = load_catalog()


def titles(flow: Flow) -> dict[str, str]:
    return {node.id: node_title(flow, node, CATALOG) for node in flow.nodes}


def test_a_crews_roles_and_tasks_are_told_apart_by_name() -> None:
    told = titles(read_flow(ROOT / "flows" / "saved" / "research_crew.json"))
    assert told["researcher"] == "Researcher"
    assert told["writer"] == "Writer"
    assert told["find"].startswith("Task: Find out")
    assert told["crew"] == "Crew", "one of its kind needs no more"


def test_a_title_of_its_own_counts_and_odd_nodes_have_their_ids() -> None:
    nodes = (
        NodeInstance(id="a", kind="agent.role", title="The boss"),
        NodeInstance(id="b", kind="agent.role", params={"role": 3}),
        NodeInstance(id="c", kind="agent.role", params={"role": "Long name " * 20}),
        NodeInstance(id="d", kind="not.here"),
    )
    told = titles(Flow(nodes=nodes))
    assert told["a"] == "The boss"
    assert told["b"] == "Role agent: b"
    assert told["c"].endswith("…")
    assert len(told["c"]) < 70
    assert told["d"] == "d"
