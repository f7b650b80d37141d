"""The node for OpenAI-compatible servers, on llama.cpp's own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.ask import AskModel
from patchbay.nodes.models.asking import ask
from patchbay.nodes.models.servers.openai.node import OpenAiServer
from patchbay.nodes.models.servers.openai.spec import OpenAiModel, translated
from patchbay.nodes.techniques.structured_output import StructuredOutput
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.values import Message, SecretRef, decode, encode
from tests.nodes.models.gate import Gate, open_gate
from tests.nodes.models.llama_server import KEY, NAME, LlamaServer, serve_llama

SECRETS = {"SOME_KEY": KEY, "WRONG": "guessed"}
KEYED = {"secret": "SOME_KEY"}
HI = [Message(role="user", content="Say hello.")]
SHORT = {"temperature": 0, "max_tokens": 4}


@pytest.fixture
def gate(llama_server: LlamaServer) -> Iterator[Gate]:
    with open_gate(llama_server.url) as gate:
        yield gate


def described(**params: Any) -> OpenAiModel:
    """What the node gives."""
    checked = OpenAiServer.Params.model_validate(params)
    model = OpenAiServer.describe(checked, OpenAiServer.Inputs()).as_dict()["model"]
    assert isinstance(model, OpenAiModel)
    return model


async def answered(spec: OpenAiModel, **options: Any) -> str:
    ctx = RecordingContext(secrets=SECRETS)
    return (await ask(ctx, spec, HI, **spec.call_options(**{**SHORT, **options}))).text


def test_it_describes_and_asks_nobody() -> None:
    model = described(model="lora-danish", api_key=KEYED, seed=1, extra={"top_k": 5})
    assert (model.base_url, model.model) == ("http://127.0.0.1:8080/v1", "lora-danish")
    assert model.key == SecretRef(secret="SOME_KEY")
    assert decode(encode(model), {model.tag(): OpenAiModel}) == model
    assert model.resource() == model.model_copy(update={"seed": None})
    assert model.slots == 8
    assert run_node(OpenAiServer)["model"] == described()


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"base_url": "127.0.0.1:8080/v1"}, "must start with http://"),
        ({"base_url": "https://me:pw@host/v1"}, "name the key as a secret"),
        ({"api_key": "sk-plain"}, "SecretRef"),
        ({"schema_as": "grammar"}, "guided_json"),
    ],
)
def test_wrong_params_say_what_is_wrong(params: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        OpenAiServer.Params(**params)


def test_the_summary_names_model_and_place() -> None:
    assert OpenAiServer.summary(OpenAiServer.Params()) == "127.0.0.1:8080/v1"
    assert OpenAiServer.summary(OpenAiServer.Params(model="m")) == "m · 127.0.0.1:8080/v1"


# --- choices --------------------------------------------------------------------------------------


def choices(param: str = "model", **params: Any) -> list[str] | None:
    return OpenAiServer.choices(
        param, OpenAiServer.Params(**params), lambda ref: SECRETS[ref.secret]
    )


def test_the_models_of_the_server_can_be_chosen(llama_server: LlamaServer) -> None:
    assert choices(base_url=llama_server.v1, api_key=KEYED) == [NAME]
    assert choices("temperature", base_url=llama_server.v1) is None


@pytest.mark.parametrize(
    ("key", "words"),
    [(None, "a request without a key"), ({"secret": "WRONG"}, "the key in the secret WRONG")],
)
def test_a_server_that_wants_another_key(llama_server: LlamaServer, key: Any, words: str) -> None:
    with pytest.raises(NodeError, match=words):
        choices(base_url=llama_server.v1, api_key=key)


# --- asking ---------------------------------------------------------------------------------------


async def test_the_only_model_needs_no_name(gate: Gate) -> None:
    assert await answered(described(base_url=gate.v1, api_key=KEYED))
    assert [path for path, _ in gate.requests] == ["/v1/models", "/v1/chat/completions"]


def test_several_models_must_be_told_apart(gate: Gate) -> None:
    gate.refusals = [(200, {}, json.dumps({"data": [{"id": "one"}, {"id": "two"}]}))]
    with pytest.raises(NodeError, match=r"It has one, two\."):
        described(base_url=gate.v1).open(RecordingContext())


async def test_this_machine_needs_no_key_and_no_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with serve_llama(key="") as server:
        assert await answered(described(base_url=server.v1))


async def test_the_environment_gives_strangers_nothing(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine-alone")
    monkeypatch.setenv("OPENAI_ORG_ID", "my-organization")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "my-project")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    with pytest.raises(NodeError, match="a request without a key"):
        await answered(described(base_url=gate.v1, model=NAME))
    _, headers = gate.requests[-1]
    assert "authorization" not in headers
    assert not any("mine" in value or "my-" in value for value in headers.values())


async def test_a_secret_that_is_not_set() -> None:
    with pytest.raises(NodeError, match="NOT_SET"):
        await answered(described(model="m", api_key={"secret": "NOT_SET"}))


def test_an_open_model_serves_one_event_loop_after_another(llama_server: LlamaServer) -> None:
    """The pool keeps it, while each run of `flows.run` has a loop of its own."""
    spec = described(base_url=llama_server.v1, api_key=KEYED)
    model = spec.open(RecordingContext(secrets=SECRETS))
    said = [asyncio.run(model.ainvoke("Say hello.", **SHORT)).text for _ in range(3)]
    assert said[0] == said[1] == said[2] == model.invoke("Say hello.", **SHORT).text
    model.close()


def test_nothing_that_can_swallow_a_cancellation_is_switched_on(llama_server: LlamaServer) -> None:
    """`asyncio.wait_for` around every chunk did, in one of thirty cancelled runs (Python 3.11)."""
    spec = described(base_url=llama_server.v1, model=NAME, api_key=KEYED)
    inner: Any = spec.open(RecordingContext(secrets=SECRETS))._inner
    assert inner.stream_chunk_timeout is None


async def test_tools_are_passed_on(gate: Gate) -> None:
    model = described(base_url=gate.v1, model=NAME, api_key=KEYED).open(
        RecordingContext(secrets=SECRETS)
    )

    def weather(city: str) -> str:
        """The weather in a city."""
        return city

    bound: Any = model.bind_tools([weather])
    assert bound.kwargs["tools"][0]["function"]["name"] == "weather"
    assert (await bound.ainvoke("Hi", max_tokens=2, temperature=0)).usage_metadata


# --- the words of different servers ---------------------------------------------------------------

SCHEMA = {"type": "object"}
WANTED = OpenAiModel(base_url="http://h").call_options(json_schema=SCHEMA)


@pytest.mark.parametrize(
    ("schema_as", "body"),
    [
        ("response_format", WANTED),
        ("guided_json", {"guided_json": SCHEMA}),
        ("structured_outputs", {"structured_outputs": {"json": SCHEMA}}),
    ],
)
def test_a_schema_in_the_words_of_the_server(schema_as: Any, body: dict[str, Any]) -> None:
    made = translated({**WANTED, "stop": None, "seed": 1}, {"top_k": 5}, schema_as)
    assert made == {"seed": 1, "extra_body": {"top_k": 5, **body}}


def test_vllms_guided_decoding_reaches_the_body(gate: Gate) -> None:
    spec = described(base_url=gate.v1, model=NAME, schema_as="guided_json", api_key=KEYED)
    spec = spec.model_copy(update={"extra": {"guided_regex": "[a-z]+", "n_probs": 0}})
    model = spec.open(RecordingContext(secrets=SECRETS))
    model.invoke("Hi", **spec.call_options(json_schema=SCHEMA, max_tokens=2))
    sent = gate.bodies[-1]
    assert sent["guided_json"] == SCHEMA
    assert sent["guided_regex"] == "[a-z]+"
    assert sent["max_tokens"] == 2  # not OpenAI's newer name, which others do not know
    assert "response_format" not in sent


async def test_a_server_that_ignores_a_schema_is_told_of_with_what_would_help(gate: Gate) -> None:
    """llama.cpp's server knows no guided_json, and says nothing of it; neither does vLLM 0.32."""
    model = described(base_url=gate.v1, model=NAME, schema_as="guided_json", api_key=KEYED)
    ctx = RecordingContext(secrets=SECRETS)
    asked = AskModel.Inputs(model=model, prompt="Say hello.")
    params = AskModel.Params(json_schema=SCHEMA, temperature=0, max_tokens=60)
    with pytest.raises(NodeError, match="does not follow the JSON schema") as caught:
        await AskModel().run(asked, params, ctx)
    assert caught.value.code == "model/not-json"
    assert "set schema_as to response_format or structured_outputs" in caught.value.fix
    chunk = {"id": "x", "choices": [{"index": 0, "delta": {"content": "Hello."}}]}
    last = {"id": "x", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    events = "".join(
        f"data: {event}\n\n" for event in (json.dumps(chunk), json.dumps(last), "[DONE]")
    )
    gate.refusals = [(200, {"Content-Type": "text/event-stream"}, events)]
    once = StructuredOutput.Params(repairs=0)
    with pytest.raises(NodeError, match="did not fit"):
        await StructuredOutput().run(
            StructuredOutput.Inputs(model=model, prompt="Say hello."), once, ctx
        )
    assert "set schema_as to" in ctx.warnings[-1]


def test_guided_json_is_marked_old() -> None:
    old = OpenAiServer.Params(schema_as="guided_json")
    assert "vLLM 0.32 ignores it" in OpenAiServer.doubts(old, OpenAiServer.Inputs())[0]
    assert OpenAiServer.doubts(OpenAiServer.Params(), OpenAiServer.Inputs()) == ()
