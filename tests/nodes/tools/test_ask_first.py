"""The node *Ask before use*: what it describes, and params that make no sense."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.testing import run_node
from patchbay.nodes.tools.ask_first import AskFirst
from patchbay.nodes.tools.calculator import CalculatorTool

TOOL = CalculatorTool(name="calculator", description="Calculates.")


def test_the_tool_keeps_its_name_and_its_time() -> None:
    tool = run_node(AskFirst, {}, {"tool": TOOL})["tool"]
    assert (tool.name, tool.seconds, tool.repeatable) == ("calculator", TOOL.seconds, False)


def test_it_is_asked_once_only() -> None:
    tool = run_node(AskFirst, {}, {"tool": TOOL})["tool"]
    with pytest.raises(NodeError, match="asked about") as caught:
        run_node(AskFirst, {}, {"tool": tool})
    assert caught.value.code == "tool/asked-twice"


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"when": "an argument matches"}, "say with a pattern"),
        ({"pattern": "("}, "no regular expression"),
        ({"within_hours": 0}, "greater than 0"),
    ],
)
def test_params_that_make_no_sense(params: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        AskFirst.Params(**params)
