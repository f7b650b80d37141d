"""Ask a model, on the real one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.ask import AskModel
from patchbay.nodes.models.llama.node import QuantizedModel
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.values import Message
from tests.nodes.models.conftest import SPEC, SharedContext, calls

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 30}},
    "required": ["city"],
}


async def ask(ctx: SharedContext, prompt: Any, system: str | None = None, **params: Any) -> Any:
    inputs = AskModel.Inputs(model=SPEC, prompt=prompt, system=system)
    return await AskModel().run(inputs, AskModel.Params(**params), ctx)


async def test_the_answer_is_streamed_and_counted(ctx: SharedContext) -> None:
    answer = await ask(ctx, "What is the capital of Denmark?", temperature=0, max_tokens=80)
    assert "Copenhagen" in answer.text
    assert len(ctx.streamed) > 10
    assert "".join(piece for _, piece in ctx.streamed) == answer.text
    assert {port for port, _ in ctx.streamed} == {"text"}
    assert ctx.prompt_tokens == 37
    assert ctx.completion_tokens > 10
    assert ctx.warnings == []


async def test_messages_and_a_system_text(ctx: SharedContext) -> None:
    chat = [
        Message(role="user", content="My name is Ada."),
        Message(role="assistant", content="Hello Ada."),
        Message(role="user", content="What is my name?"),
    ]
    read = []
    for prompt, system in ((chat[-1:], None), (chat, None), (chat, "Always answer in French.")):
        ctx.prompt_tokens = 0
        await ask(ctx, prompt, system=system, temperature=0, max_tokens=1)
        read.append(ctx.prompt_tokens)
    # A system text takes the place of the one in the model's own template.
    assert read[0] < read[1] != read[2]


async def test_a_schema_gives_text_and_json(ctx: SharedContext) -> None:
    params = AskModel.Params(json_schema=SCHEMA)
    assert list(AskModel.output_ports(params).declared) == ["text", "json"]
    answer = await ask(ctx, "Name a city.", json_schema=SCHEMA, temperature=0, max_tokens=60)
    assert list(answer.json) == ["city"]


async def test_json_that_was_cut_says_so(ctx: SharedContext) -> None:
    with pytest.raises(NodeError) as caught:
        await ask(ctx, "Name a city.", json_schema=SCHEMA, temperature=0, max_tokens=8)
    assert caught.value.code == "model/not-json"
    assert "cut at the limit of tokens" in caught.value.message
    assert "{" in caught.value.message


async def test_an_answer_that_was_cut_or_is_empty_warns(ctx: SharedContext) -> None:
    await ask(ctx, "Tell a long story.", temperature=0, max_tokens=3)
    assert "cut at the limit" in ctx.warnings[0]
    answer = await ask(
        ctx, "What is the capital of Denmark?", temperature=0, stop=["Denmark", "Copen"]
    )
    if not answer.text.strip():
        assert "empty answer" in ctx.warnings[1]


async def test_cancelling_the_node_ends_the_call(ctx: SharedContext) -> None:
    task = asyncio.ensure_future(ask(ctx, "Write a very long story.", seed=1))
    while len(ctx.streamed) < 3:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    while calls():
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("prompt", ["", "  \n", []])
async def test_an_empty_prompt(ctx: SharedContext, prompt: Any) -> None:
    with pytest.raises(NodeError) as caught:
        await ask(ctx, prompt)
    assert (caught.value.code, caught.value.port) == ("model/empty-prompt", "prompt")


@pytest.mark.parametrize(
    ("model", "params", "repeats"),
    [
        ({}, {}, False),
        ({"temperature": 0}, {}, True),
        ({"seed": 1}, {}, True),
        ({}, {"temperature": 0}, True),
        ({}, {"seed": 0}, True),
        ({"temperature": 0}, {"temperature": 0.5}, False),
    ],
)
def test_what_repeats(model: dict[str, Any], params: dict[str, Any], repeats: bool) -> None:
    inputs = AskModel.Inputs(model=GgufModel(**model), prompt="x")
    assert AskModel.repeatable(AskModel.Params(**params), inputs) is repeats


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"json_schema": {"type": "text"}}, "must be one of object"),
        ({"json_schema": {"properties": []}}, "properties of the schema must be an object"),
        ({"json_schema": {"properties": {"a": {"type": "x"}}}}, "the type of properties.a"),
        ({"json_schema": {"required": "name"}}, "must be a list of names"),
        ({"json_schema": {"items": 3}}, "items of the schema must be an object"),
        ({"json_schema": {"anyOf": {}}}, "anyOf of the schema must be a list"),
        ({"json_schema": {"enum": 1}}, "enum of the schema must be a list"),
        ({"stop": [""]}, "must not be empty"),
        ({"temperature": -1}, "greater than or equal to 0"),
    ],
)
def test_bad_params_say_what_is_wrong(params: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        AskModel.Params(**params)


UNIQUE: dict[str, Any] = {"type": "array", "uniqueItems": True, "items": {"enum": [1]}}


def test_what_of_a_schema_the_model_cannot_be_held_to_is_said_before() -> None:
    params = AskModel.Params(json_schema=UNIQUE)
    (said,) = AskModel.doubts(params, AskModel.Inputs(model=SPEC, prompt="x"))
    assert "uniqueItems" in said
    assert AskModel.doubts(params, AskModel.Inputs(prompt="x")) == ()
    own = QuantizedModel.Params(json_schema=UNIQUE)
    assert QuantizedModel.doubts(own, QuantizedModel.Inputs()) == (said,)


def test_a_schema_that_nothing_follows_is_refused_before() -> None:
    params = AskModel.Params(json_schema={"type": "integer", "minimum": 2, "maximum": 1})
    with pytest.raises(NodeError) as caught:
        AskModel.doubts(params, AskModel.Inputs(model=SPEC, prompt="x"))
    assert caught.value.code == "model/json-schema"


async def test_an_answer_is_checked_whatever_the_grammar_let_through(ctx: SharedContext) -> None:
    schema = {**UNIQUE, "minItems": 2, "maxItems": 2}
    with pytest.raises(NodeError, match="has non-unique elements") as caught:
        await ask(ctx, "Two numbers.", json_schema=schema, temperature=0, max_tokens=20)
    assert caught.value.code == "model/not-json"


async def test_the_schema_of_the_model_itself_is_checked_as_well(ctx: SharedContext) -> None:
    bound = SPEC.model_copy(update={"json_schema": {**UNIQUE, "minItems": 2, "maxItems": 2}})
    inputs = AskModel.Inputs(model=bound, prompt="Two numbers.")
    await AskModel().run(inputs, AskModel.Params(temperature=0, max_tokens=20), ctx)
    assert "non-unique" in ctx.warnings[-1]
