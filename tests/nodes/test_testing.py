"""The kit for tests of nodes: what it hands out and what it finds wrong."""

from __future__ import annotations

import pytest

from patchbay.nodes.contract import Context, Node, NodeParams, Ports
from patchbay.nodes.models.ask import AskModel
from patchbay.nodes.testing import RecordingContext, ScriptedModel, run_node


class Wrong(Node):
    """Gives a number where it promises a text."""

    kind, version = "test.wrong", 1
    title, family = "Wrong", "Test"

    class Params(NodeParams):
        pass

    class Outputs(Ports):
        text: str

    async def run(self, inputs: Ports, params: Params, ctx: Context) -> Ports:
        return self.Outputs(text=3)


def test_a_scripted_model_is_asked_like_any_other() -> None:
    ScriptedModel.asked.clear()
    model = ScriptedModel(lines=(("capital of France", "Paris it is."),))
    ctx = RecordingContext()
    prompt = "What is the capital of France?"
    given = run_node(AskModel, {"max_tokens": 9}, {"model": model, "prompt": prompt}, ctx)
    assert given["text"] == "Paris it is."
    assert [piece for _, piece in ctx.streamed] == ["Paris ", "it ", "is."]
    ((asked, options),) = ScriptedModel.asked
    assert (asked, options["max_tokens"]) == (prompt, 9)


def test_an_output_of_another_type_is_found() -> None:
    with pytest.raises(AssertionError, match="text is not what its port gives: 3"):
        run_node(Wrong)
