"""A flow is resolved once, however often it is checked, asked and run; a rule is stamped once."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any, ClassVar

import pytest

from patchbay.flows.checks import rules
from patchbay.flows.checks.resolve import resolve_once
from patchbay.flows.checks.validate import validate
from patchbay.flows.runs.running import LoadedFlow, Run
from patchbay.nodes.contract import Ports
from tests.flows.runs.harness import CATALOG, OUT, environment, flow
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
