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


NAMES = [
    "model_dump",
    "model_config",
    "model_validate",
    "model_fields",
    "_x",
    "_",
    "schema",
    "copy",
]
"""Names that Pydantic has for itself, or takes none of."""


@AGENTS
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["flow", "http"])
async def test_an_argument_may_have_any_name(
    agent: Any, name: str, kind: str, tmp_path: Path
) -> None:
    nodes = {"a": ("io.input", {"name": name}), "o": ("io.output", {"name": "answer"})}
    save_flow(flow(nodes, ["a.value > o.value"]), tmp_path / "say.json")
    with told(calls(("say", json.dumps({name: "<hi>"}))), says("Done.")) as server:
        nodes, wires = agent(server)
        url = f"{server.url}/say?it={{{name}}}"
        nodes["tool"] = (
            ("tool.flow", {"flow": "say", "name": "say", "inputs": [name]})
            if kind == "flow"
            else ("tool.http", {"name": "say", "url": url, "allow_loopback": True})
        )
        happened = await events(nodes, wires, folder=tmp_path)
    assert outputs(happened)["text"] == "Done."
    [given] = [text for _, what, text in steps(happened) if what == "tool result"]
    assert "<hi>" in given if kind == "flow" else '"told"' in given
    [tool] = server.asked[0]["tools"]
    assert list(tool["function"]["parameters"]["properties"]) == [name]
