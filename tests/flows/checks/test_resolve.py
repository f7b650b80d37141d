"""A flow is resolved once, however often it is checked, asked and run; a rule is stamped once."""

from __future__ import annotations

import ast
import asyncio
from pathlib import Path
from typing import Any, ClassVar

import pytest

from patchbay.flows.checks import rules
from patchbay.flows.checks.memory import memory_plan
from patchbay.flows.checks.resolve import resolve_once
from patchbay.flows.checks.rules.base import Facts
from patchbay.flows.checks.validate import validate
from patchbay.flows.document.writing import save_flow
from patchbay.flows.runs.events import RunFinished
from patchbay.flows.runs.running import LoadedFlow, Run
from patchbay.nodes.contract import Ports
from patchbay.studio.inspector.fixes import fixes
from tests.flows.runs.harness import CATALOG, OUT, environment, events_of, flow
from tests.flows.runs.nodes import Text

FOLDER = Path(rules.__file__).parent


class Counted(Text):
    """Counts how often its ports are derived."""

    kind = "test.counted"
    derived: ClassVar[list[int]] = []

    @classmethod
    def output_ports(cls, params: Any) -> type[Ports]:
        cls.derived.append(1)
        return cls.Outputs


def test_a_document_and_its_runs_resolve_once() -> None:
    Counted.derived.clear()
    catalog = CATALOG.extended([Counted])
    document = flow({"c": "test.counted", "o": OUT}, ["c.text > o.value"])
    validate(document, catalog)
    resolved = resolve_once(document, catalog)
    run = Run(LoadedFlow(document), {}, environment(catalog=catalog))
    assert run.resolved is resolved
    validate(document, catalog)
    assert len(Counted.derived) == 1
    other = document.model_copy(update={"name": "Other"})
    assert resolve_once(other, catalog) is not resolved
    assert resolve_once(document, CATALOG.extended([Counted])) is not resolved


def test_a_flow_inside_is_resolved_once_for_checks_memory_and_runs(tmp_path: Path) -> None:
    Counted.derived.clear()
    catalog = CATALOG.extended([Counted])
    inner, use = (
        tmp_path / "inner.json",
        {"flow": "inner", "inputs": {}, "outputs": {"out": "text"}},
    )
    save_flow(flow({"c": "test.counted", "o": OUT}, ["c.text > o.value"]), inner)
    document = flow({"r": ("logic.run_flow", use), "o": OUT}, ["r.out > o.value"])
    for turn in range(2):  # edits and runs come again and again
        edited = document.model_copy(update={"name": str(turn)})
        assert list(validate(edited, catalog, tmp_path)) == []
        memory_plan(resolve_once(edited, catalog), tmp_path)
        events = asyncio.run(events_of(edited, env=environment(catalog=catalog), folder=tmp_path))
        assert isinstance(events[-1], RunFinished)
    assert len(Counted.derived) == 1
    changed = flow({"c": "test.counted", "d": "test.counted", "o": OUT}, ["c.text > o.value"])
    save_flow(changed, inner)
    validate(edited, catalog, tmp_path)
    assert len(Counted.derived) == 3


def test_fixes_of_one_flow_resolve_it_once() -> None:
    Counted.derived.clear()
    catalog = CATALOG.extended([Counted])
    wires = ["c.text > o.value", "c.none > o.value", "c.text > o.none", "c.none > o.none"]
    document = flow({"c": "test.counted", "o": OUT}, wires)
    problems = validate(document, catalog)
    assert len(problems) > 2
    facts = Facts(resolve_once(document, catalog))
    assert all(fixes(facts, problem) for problem in problems)
    assert len(Counted.derived) == 2, "once in the flow, once among the kinds to put between"


@pytest.mark.parametrize("name", ["nodes", "structure", "wiring", "resources"])
def test_a_rule_says_neither_its_code_nor_its_severity(name: str) -> None:
    """The table says both; `Rule.problems` stamps them on what the rule found."""
    tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    said = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert said & {rule.code for rule in rules.RULES} == set()
    made = {node.func.id for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}  # fmt: skip
    assert "Finding" in made
    assert "Problem" not in made
