"""Structured output: forced by a grammar, or checked and repaired."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.techniques.structured_output import StructuredOutput
from patchbay.nodes.values import ModelSpec
from tests.nodes.techniques.conftest import PoolContext
from tests.nodes.techniques.scripted import Scripted

GOOD = '{"name": "Ada", "age": 36}'


async def fill(ctx: PoolContext, model: ModelSpec, prompt: Any = "Who?", **params: Any) -> Any:
    inputs = StructuredOutput.Inputs(model=model, prompt=prompt)
    return await StructuredOutput().run(inputs, StructuredOutput.Params(**params), ctx)


async def test_the_schema_goes_to_the_backend_and_into_the_prompt(ctx: PoolContext) -> None:
    model = Scripted(replies=(GOOD,))
    out = await fill(ctx, model)
    assert out.json == {"name": "Ada", "age": 36}
    said, options = ctx.chat(model).calls[0]
    schema = options["response_format"]["json_schema"]["schema"]
    assert schema["required"] == ["name", "age"]
    assert schema["properties"]["age"] == {"type": "integer", "description": "Age in years."}
    assert said[0].startswith("human: Who?\n\nAnswer with one JSON object")
    assert "".join(piece for _, piece in ctx.streamed) == GOOD


async def test_an_answer_that_does_not_fit_is_repaired(ctx: PoolContext) -> None:
    model = Scripted(replies=("Ada is 36.", '{"name": "Ada", "age": "old"}', f"Sure:\n{GOOD}"))
    out = await fill(ctx, model, grammar=False)
    assert out.json == {"name": "Ada", "age": 36}
    calls = ctx.chat(model).calls
    assert "response_format" not in calls[0][1]
    assert calls[2][0][-2] == 'ai: {"name": "Ada", "age": "old"}'
    assert "age: Input should be a valid integer" in calls[2][0][-1]
    assert len({options["seed"] for _, options in calls}) == 3
    assert [row[0] for row in out.attempts.rows] == [1, 2, 3]
    assert out.attempts.rows[0][2].startswith("It is not valid JSON")
    assert out.attempts.rows[2][2] == ""


async def test_a_backend_without_grammar_is_checked_as_well(ctx: PoolContext) -> None:
    model = Scripted(replies=("no", GOOD), grammar=False)
    out = await fill(ctx, model)
    assert len(out.attempts.rows) == 2


async def test_it_gives_up_after_the_repairs_allowed(ctx: PoolContext) -> None:
    model = Scripted(replies=('{"name": "Ada"}',))
    with pytest.raises(NodeError) as caught:
        await fill(ctx, model, repairs=1)
    assert caught.value.code == "structured/invalid"
    assert "2 answers did not fit" in caught.value.message
    assert "age: Field required" in caught.value.message
    assert len(ctx.chat(model).calls) == 2


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ([], "at least one field"),
        ([{"name": "a"}, {"name": "a"}], "two fields have the name 'a'"),
        ([{"name": " "}], "a field needs a name"),
        ([{"name": "a", "type": "choice", "choices": " ,"}], "needs choices"),
    ],
)
def test_fields_that_cannot_be(fields: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        StructuredOutput.Params(fields=fields)


@pytest.mark.parametrize(
    ("schema", "replies", "value"),
    [
        ({"type": "array", "items": {"type": "integer"}}, ('["a"]', "[1, 2]"), [1, 2]),
        ({"enum": ["a", None]}, ('"b"', "null"), None),
        ({"type": "object", "required": ["x"]}, ("{}", '{"x": [1]}'), {"x": [1]}),
    ],
)
async def test_a_schema_in_place_of_fields(
    ctx: PoolContext, schema: dict[str, Any], replies: tuple[str, ...], value: Any
) -> None:
    model = Scripted(replies=replies)
    out = await fill(ctx, model, json_schema=schema)
    assert out.json == value
    assert len(out.attempts.rows) == 2
    assert ctx.chat(model).calls[0][1]["response_format"]["json_schema"]["schema"] == schema


async def test_an_answer_never_fits_the_schema(ctx: PoolContext) -> None:
    with pytest.raises(NodeError, match="did not fit the schema") as caught:
        await fill(ctx, Scripted(replies=("[]",)), json_schema={"type": "object"}, repairs=0)
    assert caught.value.code == "structured/invalid"


def test_a_schema_that_is_none() -> None:
    with pytest.raises(ValidationError, match="thing"):
        StructuredOutput.Params(json_schema={"type": "thing"})
