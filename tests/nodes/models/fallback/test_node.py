"""Models that stand in for each other: real ones behind a gate that can break."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from patchbay.flows import load
from patchbay.flows.runs.running import Run
from patchbay.nodes.contract import NodeError
from patchbay.nodes.data import secrets_in
from patchbay.nodes.models.asking import Answer, ask
from patchbay.nodes.models.fallback.node import Fallback
from patchbay.nodes.models.fallback.spec import FallbackModel
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.models.servers.ollama.spec import OllamaModel
from patchbay.nodes.models.servers.openai.spec import OpenAiModel
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.values import Message, ModelSpec, SecretRef, decode, encode
from tests.flows.runs.harness import environment
from tests.nodes.models.gate import Gate, open_gate
from tests.nodes.models.llama_server import KEY, NAME, LlamaServer

KEYED = SecretRef(secret="SOME_KEY")
GONE = OpenAiModel(base_url="http://127.0.0.1:9/v1", model="gone")
ASKED = [Message(role="user", content="What is the capital of Denmark?")]
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 20}},
    "required": ["city"],
}


@pytest.fixture
def gate(llama_server: LlamaServer) -> Iterator[Gate]:
    with open_gate(llama_server.url) as gate:
        yield gate


@pytest.fixture
def ctx() -> RecordingContext:
    return RecordingContext(secrets={"SOME_KEY": KEY})


@pytest.fixture
def good(llama_server: LlamaServer) -> OpenAiModel:
    return OpenAiModel(base_url=llama_server.v1, model=NAME, key=KEYED)


def gated(gate: Gate) -> OpenAiModel:
    return OpenAiModel(base_url=gate.v1, model="gated", key=KEYED, retries=0)


async def answered(ctx: RecordingContext, *models: ModelSpec, **fields: bool) -> Answer:
    spec = FallbackModel(models=models, **fields)
    return await ask(ctx, spec, ASKED, **spec.call_options(temperature=0, max_tokens=12))


def of_the_order(ctx: RecordingContext) -> list[str]:
    """What was warned of but that so few tokens cut the answer."""
    return [warning for warning in ctx.warnings if "cut at the limit" not in warning]


def test_the_order_is_that_of_the_wires() -> None:
    other = GgufModel()
    model = run_node(Fallback, {"whole": True}, {"models": [GONE, other]})["model"]
    assert model == FallbackModel(models=(GONE, other), whole=True)
    assert model.parts() == (GONE, other)
    types = {cls.tag(): cls for cls in (FallbackModel, OpenAiModel, GgufModel)}
    assert decode(encode(model), types) == model
    assert Fallback.summary(Fallback.Params(whole=True)) == "whole answers"


def test_the_keys_of_all_its_models_are_found(good: OpenAiModel) -> None:
    assert list(secrets_in(FallbackModel(models=(GONE, good)))) == [KEYED]


def test_an_answer_of_whoever_is_there_does_not_count_as_one_that_repeats() -> None:
    options = FallbackModel(models=(GONE, GgufModel())).call_options(temperature=0, seed=1)
    assert "temperature" not in options
    assert "seed" not in options
    assert [each["seed"] for each in options["each"]] == [1, 1]


async def test_the_first_one_answers(ctx: RecordingContext, good: OpenAiModel, gate: Gate) -> None:
    answer = await answered(ctx, good, gated(gate))
    assert answer.text.startswith("Denmark is a")
    assert of_the_order(ctx) == []
    assert gate.requests == []
    assert len(ctx.opened) == 1  # what only stands in is not opened


@pytest.mark.parametrize(
    ("refusal", "why"),
    [
        ((429, {"Retry-After": "0"}, "Slow down"), "Slow down"),
        ((401, {}, "Bad key"), "Bad key"),
        ((500, {}, "Oops"), "Oops"),
    ],
)
async def test_the_next_one_answers_and_it_is_said(
    ctx: RecordingContext, good: OpenAiModel, gate: Gate, refusal: tuple[int, dict[str, str], str],
    why: str,
) -> None:  # fmt: skip
    gate.refusals = [refusal]
    answer = await answered(ctx, gated(gate), good)
    assert answer.text.startswith("Denmark is a")
    assert answer.prompt_tokens == 37
    [warning] = of_the_order(ctx)
    assert warning.startswith(f"'gated' failed; '{NAME}' is asked instead.")
    assert why in warning


async def test_what_cannot_be_opened_is_passed_over(
    ctx: RecordingContext, good: OpenAiModel
) -> None:
    nowhere = OllamaModel(model="far", base_url="http://127.0.0.1:9")
    locked = good.model_copy(update={"key": SecretRef(secret="NOT_SET"), "model": "locked"})
    assert (await answered(ctx, nowhere, locked, good)).text.startswith("Denmark")
    far, unknown = of_the_order(ctx)
    assert "ollama" not in far
    assert "NOT_SET" in unknown


async def test_nobody_answers(ctx: RecordingContext, gate: Gate) -> None:
    gate.refusals = [(401, {}, "Bad key")]
    with pytest.raises(NodeError) as caught:
        await answered(ctx, GONE, gated(gate))
    error = caught.value
    assert error.code == "model/key"
    assert error.message.startswith("None of the 2 models answered. 'gone': Nothing answers at")
    assert "'gated': " in error.message
    assert "llama-server" in error.fix
    assert "Or: Set the secret" in error.fix


async def test_text_that_was_shown_is_not_started_again(
    ctx: RecordingContext, good: OpenAiModel, gate: Gate
) -> None:
    gate.breaks = [10]
    with pytest.raises(NodeError) as caught:
        await answered(ctx, gated(gate), good)
    assert caught.value.code == "model/broke-off"
    assert "the cable was pulled" in caught.value.message
    assert "whole answers" in caught.value.fix
    assert ctx.streamed != []


async def test_with_whole_answers_it_is_replaced_as_if_nothing_had_been(
    ctx: RecordingContext, good: OpenAiModel, gate: Gate
) -> None:
    gate.breaks = [10]
    answer = await answered(ctx, gated(gate), good, whole=True)
    assert answer.text == (await answered(RecordingContext(secrets=ctx.secrets), good)).text
    assert "".join(piece for _, piece in ctx.streamed) == answer.text
    assert answer.answer_tokens == 12
    assert "the cable was pulled" in ctx.warnings[0]


async def test_cancelling_is_no_failure(
    ctx: RecordingContext, good: OpenAiModel, gate: Gate, llama_server: LlamaServer
) -> None:
    spec = FallbackModel(models=(good, gated(gate)))
    story = [Message(role="user", content="Write a very long story about the sea.")]
    asking = asyncio.create_task(ask(ctx, spec, story, **spec.call_options(max_tokens=900)))
    while len(ctx.streamed) < 3 and not asking.done():
        await asyncio.sleep(0.01)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    while llama_server.busy():
        await asyncio.sleep(0.05)
    assert gate.requests == []
    assert ctx.warnings == []


async def test_each_is_asked_in_its_own_words(ctx: RecordingContext, good: OpenAiModel) -> None:
    vllm = GONE.model_copy(update={"schema_as": "guided_json"})
    spec = FallbackModel(models=(vllm, good))
    options = spec.call_options(temperature=0, max_tokens=60, json_schema=SCHEMA)
    answer = await ask(ctx, spec, ASKED, **options)
    assert set(json.loads(answer.text)) == {"city"}


def test_blocking_calls_and_tools(ctx: RecordingContext, good: OpenAiModel, gate: Gate) -> None:
    gate.refusals = [(500, {}, "Oops")]

    def weather(city: str) -> str:
        """The weather in a city."""
        return city

    model = FallbackModel(models=(gated(gate), good)).open(ctx)
    bound = model.bind_tools([weather])
    answer = bound.invoke("What is the capital of Denmark?", temperature=0, max_tokens=12)
    assert answer.usage_metadata["output_tokens"] == 12
    assert "Oops" in answer.response_metadata["notes"][0]
    assert gate.bodies[-1]["tools"][0]["function"]["name"] == "weather"


# --- in a run -------------------------------------------------------------------------------------

SAVED = Path(__file__).parents[4] / "flows" / "saved" / "fallback.json"


async def test_the_run_says_who_answered() -> None:
    events = [event async for event in Run(load(SAVED).flow, {}, environment()).events()]
    warned = [event for event in events if event.type == "node_warned"]
    assert [event.node for event in warned] == ["ask"] * 3
    assert "The secret HOSTED_MODEL_KEY is not set" in warned[0].message
    assert "'smollm2-135m-instruct' is asked instead" in warned[-1].message
    assert "Copenhagen" in events[-1].outputs["answer"]
