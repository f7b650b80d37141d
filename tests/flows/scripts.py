"""A node that gives a model with a script, and saved flows over it."""

from __future__ import annotations

from pathlib import Path

from patchbay.flows import load
from patchbay.flows.document.model import Flow
from patchbay.nodes.contract import DescribingNode, NodeParams, Ports
from patchbay.nodes.testing import ScriptedModel

SAVED = Path(__file__).parents[2] / "flows" / "saved"


class Script(DescribingNode):
    """A model that says what its script says."""

    kind, title, family = "test.script", "Script", "Test"

    class Params(NodeParams):
        lines: list[list[str]] = []

    class Outputs(Ports):
        model: ScriptedModel

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        lines = tuple((pattern, answer) for pattern, answer in params.lines)
        return cls.Outputs(model=ScriptedModel(lines=lines))


def scripted(name: str, *lines: tuple[str, str]) -> Flow:
    """A saved flow with a script in place of its model."""
    flow = load(SAVED / f"{name}.json").flow
    changes = {"kind": "test.script", "params": {"lines": [list(line) for line in lines]}}
    nodes = tuple(n.model_copy(update=changes if n.id == "model" else {}) for n in flow.nodes)
    return flow.model_copy(update={"nodes": nodes})
