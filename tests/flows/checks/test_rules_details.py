"""What the snapshots do not show: which wires exclude each other, fixes, disabled nodes, files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.checks.resolve import resolve
from patchbay.flows.checks.validate import validate
from patchbay.flows.document.graph import ancestors, topological_order
from patchbay.flows.document.model import Flow, NodeInstance, Note
from patchbay.flows.document.writing import save_flow
from patchbay.flows.problems import Problem
from patchbay.nodes.catalog import Catalog, CatalogProblem, load_catalog
from tests.flows.checks.rules_kit import CATALOG, Ask, Give, Quiet, flow, node


def codes(document: Flow, **options: Any) -> list[str]:
    return [problem.code for problem in validate(document, CATALOG, **options)]


def only(document: Flow, catalog: Catalog = CATALOG) -> Problem:
    (problem,) = validate(document, catalog)
    return problem


# --- branches -----------------------------------------------------------------------------------

FORK = [node("ask", "in"), node("f", "fork"), node("l", "step"), node("r", "step")]
INTO = ("ask.value > f.text", "f.left > l.text", "f.right > r.text")


def test_ways_of_one_branch_may_meet_in_one_port() -> None:
    joined = flow([*FORK, node("out", "out")], *INTO, "l.text > out.value", "r.text > out.value")
    assert codes(joined) == []


def test_ways_that_met_are_one_way_of_an_outer_branch() -> None:
    inner = [node("g", "fork"), node("m", "step"), node("out", "out")]
    document = flow(
        [*FORK, *inner],
        *INTO,
        "l.text > g.text",
        "g.left > m.text",
        "g.right > m.text",
        "m.text > out.value",
        "r.text > out.value",
    )
    assert codes(document) == []


def test_ways_that_met_are_no_longer_apart() -> None:
    document = flow(
        [*FORK, node("m", "step"), node("out", "out")],
        *INTO,
        "l.text > m.text",
        "r.text > m.text",
        "m.text > out.value",
        "r.text > out.value",
    )
    problem = only(document)
    assert (problem.code, problem.place) == ("wiring/many", "out.value")


def test_two_of_three_ways_exclude_the_third() -> None:
    document = flow(
        [*FORK, node("m", "step"), node("out", "out")],
        *INTO,
        "l.text > m.text",
        "r.text > m.text",
        "m.text > out.value",
        "f.middle > out.value",
    )
    assert codes(document) == []


def test_an_optional_input_proves_nothing_beside_a_required_one() -> None:
    document = flow(
        [*FORK, node("s", "step"), node("out", "out")],
        *INTO,
        "ask.value > s.text",
        "l.text > s.extra",
        "s.text > out.value",
        "r.text > out.value",
    )
    assert codes(document) == ["wiring/many"]


def test_a_wire_from_a_disabled_node_does_not_count() -> None:
    document = flow(
        [node("ask", "in"), node("s", "step", disabled=True), node("out", "out")],
        "ask.value > s.text",
        "s.text > out.value",
        "ask.value > out.value",
    )
    assert codes(document) == []


# --- disabled -----------------------------------------------------------------------------------


def test_what_is_wrong_inside_a_disabled_node_is_a_warning() -> None:
    document = flow(
        [node("ask", "in"), node("x", "exotic", disabled=True), node("out", "out")],
        "ask.value > out.value",
    )
    problems = validate(document, CATALOG)
    assert {p.code: p.severity for p in problems} == {
        "node/missing-package": "warning",
        "wiring/required": "warning",
    }


def test_a_disabled_output_is_told() -> None:
    document = flow([node("ask", "in"), node("out", "out", disabled=True)], "ask.value > out.value")
    assert "is disabled" in only(document).message


# --- fixes --------------------------------------------------------------------------------------


def test_a_source_that_would_close_a_cycle_is_not_suggested() -> None:
    document = flow(
        [node("a", "step"), node("b", "step"), node("c", "step"), node("out", "out")],
        "a.text > b.text",
        "b.text > out.value",
        "c.text > b.extra",
    )
    problems = {p.place: p for p in validate(document, CATALOG)}
    assert problems["a.text"].fix == 'Wire it from "c.text".'


def test_another_input_of_the_node_that_would_fit_is_named() -> None:
    catalog = Catalog([kind for kind in CATALOG if kind.kind not in ("test.talk", "test.digest")])
    talk = next(kind for kind in CATALOG if kind.kind == "test.talk")
    document = flow(
        [node("m", "model"), node("ask", "in"), node("t", "talk"), node("out", "out")],
        "m.model > t.prompt",
        "ask.value > t.model",
        "t.text > out.value",
    )
    found = validate(document, catalog.extended([type("Bare", (talk,), {"Outputs": talk.Outputs})]))
    fixes = {p.place: p.fix for p in found if p.code == "wiring/type-mismatch"}
    assert fixes["t.model"] == 'Wire it to "t.prompt".'


def test_a_catalog_without_an_output_still_gives_a_fix() -> None:
    problem = only(flow([node("ask", "in")]), Catalog([Ask]))
    assert (problem.code, problem.fix) == ("structure/no-output", "Add a node that is an output.")


def test_an_unknown_kind_names_what_could_not_be_loaded() -> None:
    catalog = Catalog([Ask, Give], [CatalogProblem("some_plugin:NODES", "ImportError: no")])
    document = flow([node("x", "frobnicate"), node("out", "out")], "x.text > out.value")
    problem = only(document, catalog)
    assert "some_plugin:NODES" in problem.message
    assert problem.fix == 'Choose "test.in" or "test.out".'


def test_no_output_is_not_said_while_a_node_is_unknown() -> None:
    assert codes(flow([node("x", "frobnicate")])) == ["node/unknown-kind"]


def test_a_stranger_that_raises_is_told_at_its_node() -> None:
    class Bad(Quiet):
        """Raises."""

        kind, title, family = "test.bad", "Bad", "Test"

        @classmethod
        def output_ports(cls, params: Any) -> Any:
            raise RuntimeError("boom \x1b[31m")

    problem = only(flow([node("x", "bad")]), CATALOG.extended([Bad]))
    assert problem.code == "node/ports"
    assert "boom \\u001b[31m" in problem.message


def test_ids_may_not_be_used_twice_in_a_flow_made_in_python() -> None:
    document = flow(
        [node("ask", "in"), node("ask", "in"), node("out", "out")],
        "ask.value > out.value",
        notes=(Note(id="out"),),
    )
    assert codes(document) == ["structure/duplicate-id", "structure/duplicate-id"]


# --- flows in flows -----------------------------------------------------------------------------


def running(name: str) -> Flow:
    return flow(
        [node("ask", "in"), node("r", "inner", flow=name), node("out", "out")],
        "ask.value > r.question",
        "r.answer > out.value",
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    leaf = flow([node("ask", "in"), node("out", "out")], "ask.value > out.value")
    save_flow(leaf, tmp_path / "leaf.json")
    save_flow(running("leaf"), tmp_path / "middle.json")
    save_flow(running("b"), tmp_path / "a.json")
    save_flow(running("a.json"), tmp_path / "b.json")
    save_flow(running("gone"), tmp_path / "broken.json")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("leaf", None),
        ("leaf.json", None),
        ("middle", None),
        ("a", "subflow/recursion"),
        ("gone", "subflow/missing"),
        ("broken", "subflow/broken"),
        ("", "subflow/name"),
        ("../leaf", "subflow/name"),
        ("/etc/passwd", "subflow/name"),
        ("x\\..\\leaf", "subflow/name"),
        ("\x1b[31m", "subflow/name"),
    ],
)
def test_flows_that_run_flows(folder: Path, name: str, code: str | None) -> None:
    assert codes(running(name), folder=folder) == ([code] if code else [])


def test_a_flow_that_runs_itself_is_noticed_before_it_is_saved(folder: Path) -> None:
    assert codes(running("middle"), folder=folder) == []
    assert codes(running("middle"), folder=folder, file="leaf.json") == ["subflow/recursion"]


def test_a_changed_file_is_read_again(folder: Path) -> None:
    assert codes(running("leaf"), folder=folder) == []
    (folder / "leaf.json").write_text("{")
    assert codes(running("leaf"), folder=folder) == ["subflow/unreadable"]


def test_without_a_folder_only_the_name_is_looked_at() -> None:
    assert codes(running("gone")) == []
    assert codes(running("")) == ["subflow/name"]


# --- the graph ----------------------------------------------------------------------------------


def test_order_and_ancestors() -> None:
    document = flow(
        [node("c", "step"), node("b", "step"), node("a", "step")],
        "a.text > b.text",
        "a.text > b.extra",
        "b.text > c.text",
        "gone.x > a.text",
    )
    joined = resolve(document, CATALOG).links
    assert topological_order(joined) == ["a", "b", "c"]
    assert ancestors(joined, ["b", "gone"]) == {"a", "b"}
    assert list(joined.after["a"]) == ["b"]  # two wires join them once


def test_a_shortest_cycle_is_named_from_its_first_node_on() -> None:
    document = flow(
        [node(name, "join") for name in "abcde"],
        *("e.text > a.texts", "a.text > b.texts", "b.text > c.texts", "c.text > d.texts"),
        *("d.text > e.texts", "c.text > a.texts"),
    )
    told = next(p for p in validate(document, CATALOG) if p.code == "structure/cycle")
    assert "a → b → c → a." in told.message


@pytest.mark.parametrize(
    ("kind", "param"),
    [
        ("logic.run_flow", "flow"),
        ("logic.for_each", "flow"),
        ("logic.loop", "flow"),
        ("tool.flow", "flow"),
        ("tool.files", "root"),
        ("tool.python_function", "function"),
    ],
)
def test_what_is_not_filled_in_is_named_by_its_param(kind: str, param: str) -> None:
    """The editor leads to the field by it."""
    found = validate(Flow(nodes=(NodeInstance(id="n", kind=kind),)), load_catalog())
    assert param in {problem.param for problem in found if problem.node == "n"}
