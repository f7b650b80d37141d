"""A saved flow as a tool, run by the real engine for both kinds of agent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.document.writing import save_flow
from tests.flows.runs.harness import flow
from tests.nodes.agents.conftest import events, outputs, steps
from tests.nodes.agents.test_unreadable import AGENTS
from tests.nodes.models.servers.told_server import calls, says, told

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:crewai")


def save_scale(folder: Path) -> None:
    nodes = {
        "weight": ("io.input", {"name": "weight", "kind": "number", "description": "In kilos."}),
        "unit": ("io.input", {"name": "unit", "kind": "choice", "choices": ["kg", "g"],
                              "default": "kg"}),
        "text": ("prompt.template", {"template": "{weight} {unit}"}),
        "out": ("io.output", {"name": "answer"}),
    }  # fmt: skip
    wires = ["weight.value > text.weight", "unit.value > text.unit", "text.text > out.value"]
    save_flow(flow(nodes, wires), folder / "scale.json")


@AGENTS
@pytest.mark.parametrize(
    ("sent", "result"),
    [
        ({"weight": 3.5}, "3.5 kg"),
        ({"weight": "3.5", "unit": "G"}, "3.5 g"),
        ({"weight": "heavy"}, 'Error: Input "weight" takes a number, but got "heavy".'),
        ({"unit": "stone", "weight": 1}, 'Error: Input "unit" takes one of "kg", "g"'),
    ],
)
async def test_kinds_are_told_and_read(
    agent: Any, sent: dict[str, Any], result: str, tmp_path: Path
) -> None:
    save_scale(tmp_path)
    reply = calls(("scale", json.dumps(sent)))
    with told(reply, says("Done.")) as server:
        nodes, wires = agent(server)
        nodes["tool"] = (
            "tool.flow", {"flow": "scale", "name": "scale", "inputs": ["weight", "unit"]}
        )  # fmt: skip
        happened = await events(nodes, wires, folder=tmp_path)
    assert outputs(happened)["text"] == "Done."
    [given] = [text for _, what, text in steps(happened) if what == "tool result"]
    assert given.startswith(result)
    [tool] = server.asked[0]["tools"]
    told_of = tool["function"]["parameters"]
    weight = told_of["properties"]["weight"]
    assert (weight["type"], weight["description"]) == ("number", "In kilos.")
    assert told_of["properties"]["unit"]["enum"] == ["kg", "g"]
    assert told_of["required"] == ["weight"]
