"""A cut answer is treated alike by all nodes that ask a model: said once, never used again."""

from __future__ import annotations

from typing import Any

import pytest

from patchbay.nodes.agents.specs import RoleAgent
from patchbay.nodes.agents.task import Task
from patchbay.nodes.contract import Node, NodeError
from patchbay.nodes.haystack.pipeline import HaystackPipeline
from patchbay.nodes.models.ask import AskModel
from patchbay.nodes.models.asking import judge
from patchbay.nodes.models.compare import CompareModels
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.models.servers.openai.spec import OpenAiModel
from patchbay.nodes.retrieval.answer_node import AnswerWithSources
from patchbay.nodes.semantic_kernel.prompt import PromptFunction
from patchbay.nodes.techniques.chain_of_thought import ChainOfThought
from patchbay.nodes.techniques.generated_knowledge import GeneratedKnowledge
from patchbay.nodes.techniques.paraphrases import Paraphrases
from patchbay.nodes.techniques.self_consistency import SelfConsistency
from patchbay.nodes.techniques.structured_output import StructuredOutput
from patchbay.nodes.testing import RecordingContext
from patchbay.nodes.values import Document
from tests.nodes.models.servers.told_server import says, told

PASSAGES = [Document(text="The answer is blue.")]
EVERY: list[tuple[type[Node], dict[str, Any], dict[str, Any]]] = [
    (AskModel, {}, {"prompt": "?"}),
    (AskModel, {"json_schema": {"type": "object"}}, {"prompt": "?"}),
    (CompareModels, {}, {"prompt": "?"}),
    (AnswerWithSources, {}, {"question": "?", "documents": PASSAGES}),
    (ChainOfThought, {}, {"question": "?"}),
    (ChainOfThought, {"answer": "number"}, {"question": "?"}),
    (GeneratedKnowledge, {}, {"question": "?"}),
    (Paraphrases, {}, {"input": "?"}),
    (SelfConsistency, {"samples": 3}, {"prompt": "?"}),
    (StructuredOutput, {"fields": [{"name": "a", "required": False}]}, {"prompt": "?"}),
]


@pytest.mark.parametrize(("node", "params", "given"), EVERY)
async def test_it_is_said_once_and_not_used_again(
    node: type[Node], params: dict[str, Any], given: dict[str, Any]
) -> None:
    ctx = RecordingContext()
    with told(says('{"a": "b"} and so', reason="length")) as server:
        model = OpenAiModel(base_url=server.v1, model="told", retries=0)
        many = node is CompareModels
        inputs = node.Inputs(**given, **({"models": [model]} if many else {"model": model}))
        await node().run(inputs, node.Params(**params), ctx)
    said = [text for text in ctx.warnings if "cut at the limit of tokens" in text]
    assert len(said) == 1, ctx.warnings
    assert ctx.once


def test_a_number_that_was_cut_is_none() -> None:
    assert judge("12", {"type": "number"}) == (12, "")
    assert "middle of a number" in judge("12", {"type": "number"}, cut=True)[1]
    assert judge("[1, 2]", {}, cut=True) == ([1, 2], "")
    assert judge("true", {}, cut=True) == (True, "")


async def test_ask_gives_no_cut_number() -> None:
    with told(says("12", reason="length")) as server:
        model = OpenAiModel(base_url=server.v1, model="told", retries=0)
        inputs = AskModel.Inputs(model=model, prompt="?")
        params = AskModel.Params(json_schema={"type": "number"})
        with pytest.raises(NodeError, match="cut at the limit of tokens"):
            await AskModel().run(inputs, params, RecordingContext())


UNIQUE = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}


def test_what_a_grammar_cannot_hold_is_said_by_tasks_too() -> None:
    agent = RoleAgent(role="a", goal="b", backstory="c", model=GgufModel())
    asked = Task.Params(description="Do it.", output_schema=UNIQUE)
    [doubt] = Task.doubts(asked, Task.input_ports(asked)(agent=agent))
    assert "uniqueItems" in doubt
    written = agent.model_copy(update={"text_tools": True})  # nothing is forced then
    assert Task.doubts(asked, Task.input_ports(asked)(agent=written)) == ()
    plain = Task.Params(description="Do it.")
    assert Task.doubts(plain, Task.input_ports(plain)(agent=agent)) == ()


def test_fields_are_what_a_grammar_can_hold() -> None:
    fields = [{"name": "a"}, {"name": "b", "type": "number", "many": True},
              {"name": "c", "type": "choice", "choices": "x, y", "required": False}]  # fmt: skip
    asked = StructuredOutput.Params.model_validate({"fields": fields})
    inputs = StructuredOutput.Inputs(model=GgufModel(), prompt="?")
    assert StructuredOutput.doubts(asked, inputs) == ()


GIVES_ON: list[tuple[type[Node], dict[str, Any], dict[str, Any]]] = [
    (AskModel, {}, {"prompt": "?"}),
    (PromptFunction, {}, {"question": "?", "tools": []}),
    (HaystackPipeline, {}, {"question": "?"}),
    (AnswerWithSources, {}, {"question": "?", "documents": PASSAGES}),
]


@pytest.mark.parametrize(("node", "params", "given"), GIVES_ON)
async def test_an_empty_answer_is_said_by_who_gives_it_on(
    node: type[Node], params: dict[str, Any], given: dict[str, Any]
) -> None:
    ctx = RecordingContext()
    with told(says("")) as server:
        model = OpenAiModel(base_url=server.v1, model="told", retries=0)
        checked = node.Params(**params)
        await node().run(node.input_ports(checked)(**given, model=model), checked, ctx)
    assert ctx.warnings == ["The model gave an empty answer."]
