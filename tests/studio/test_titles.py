"""What nodes are called where a run is told: nodes of one kind apart by what they are about."""

from __future__ import annotations

from pathlib import Path

from patchbay.flows.checks.inside import MOST, called, in_order, titles_inside
from patchbay.flows.document.model import Flow, NodeInstance
from patchbay.flows.document.reading import read_flow
from patchbay.flows.document.titles import node_title
from patchbay.flows.document.writing import save_flow
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


def test_steps_inside_a_node_are_called_by_titles_and_numbers(tmp_path: Path) -> None:
    inner = Flow(nodes=(
        NodeInstance(id="word", kind="io.input", params={"name": "word"}),
        NodeInstance(id="say", kind="prompt.template", params={"template": "{word}!"}),
        NodeInstance(id="deep", kind="logic.run_flow", title="Again", params={"flow": "inner"}),
    ))  # fmt: skip
    save_flow(inner, tmp_path / "inner.json")
    outer = Flow(nodes=(
        NodeInstance(id="each", kind="logic.for_each", params={"flow": "inner"}),
        NodeInstance(id="part", kind="logic.run_flow", params={"flow": "inner"}),
        NodeInstance(id="lost", kind="logic.run_flow", params={"flow": "not-there"}),
    ))  # fmt: skip
    told = titles_inside(outer, tmp_path, CATALOG)
    each = told["each"]
    assert called("each/0/say", told) == f"{each} / item 1 / Prompt template"
    assert called("each/11/deep", told) == f"{each} / item 12 / Again"
    assert called("part/say", told).endswith(" / Prompt template")
    assert called("lost/say", told).endswith(" / say"), "its flow cannot be read"
    assert called("each/0/gone", told) == f"{each} / item 1 / gone"
    assert not any(path.startswith("each/deep/") for path in told), "a flow inside itself ends"
    assert "each/say" not in titles_inside(outer, None, CATALOG)


def test_the_second_item_stands_before_the_tenth() -> None:
    paths = ["a/10/b", "a/2/b", "a", "a/b"]
    assert sorted(paths, key=in_order) == ["a", "a/b", "a/2/b", "a/10/b"]


def test_flows_that_run_flows_twice_and_so_on_do_not_take_for_ever(tmp_path: Path) -> None:
    for depth in range(19):
        runs = {"flow": f"f{depth + 1}"}
        twice = tuple(NodeInstance(id=n, kind="logic.run_flow", params=runs) for n in "ab")
        save_flow(Flow(nodes=twice), tmp_path / f"f{depth}.json")
    save_flow(Flow(nodes=()), tmp_path / "f19.json")
    outer = Flow(nodes=(NodeInstance(id="all", kind="logic.run_flow", params={"flow": "f0"}),))
    told = titles_inside(outer, tmp_path, CATALOG)
    assert list(told)[:3] == ["all", "all/a", "all/b"]
    assert MOST <= len(told) <= MOST + 2
