"""What servers refuse, through the real client libraries, in words."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from typing import Any

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.notes import NOTES
from patchbay.nodes.models.servers.errors import retry_after
from patchbay.nodes.models.servers.ollama.spec import OllamaModel
from patchbay.nodes.models.servers.openai.spec import OpenAiModel
from patchbay.nodes.models.servers.provider.spec import ProviderModel
from patchbay.nodes.testing import RecordingContext
from patchbay.nodes.values import ModelSpec, SecretRef
from tests.nodes.models.gate import Gate, Refusal, open_gate
from tests.nodes.models.llama_server import KEY, LlamaServer

KEYED = SecretRef(secret="SOME_KEY")
SECRETS = {"SOME_KEY": KEY}


@pytest.fixture
def gate() -> Iterator[Gate]:
    with open_gate() as gate:
        yield gate


def asked(spec: ModelSpec) -> str:
    """What the model answers."""
    model = spec.open(RecordingContext(secrets=SECRETS))
    return str(model.invoke("Say hello.", **spec.call_options(max_tokens=3, temperature=0)).text)


def failure(spec: ModelSpec) -> NodeError:
    """How asking fails."""
    with pytest.raises(NodeError) as caught:
        asked(spec)
    return caught.value


def openai(gate: Gate, **fields: Any) -> OpenAiModel:
    return OpenAiModel(base_url=gate.v1, **{"model": "some-model", "retries": 0, **fields})


def said(status: int, message: str, headers: dict[str, str] | None = None, **more: str) -> Refusal:
    """A refusal as OpenAI words it."""
    return status, headers or {}, json.dumps({"error": {"message": message, **more}})


LONG = "This model's maximum context length is 4096 tokens. However, you requested 9001 tokens."


@pytest.mark.parametrize(
    ("refusal", "code", "words", "retry"),
    [
        (said(401, "Bad key"), "model/key", "(401, Bad key) does not accept", False),
        (said(403, "Not yours"), "model/key", "Not yours", False),
        (
            said(400, "No connected db.", type="no_db_connection"),
            "model/key",
            "No connected",
            False,
        ),
        (said(500, "Authentication Error, Invalid proxy token"), "model/key", "Invalid", False),
        (said(400, "API key not valid. Please pass a valid one."), "model/key", "valid", False),
        (said(400, "Invalid model name passed in model=x"), "model/unknown", "no model", False),
        (said(404, "The model `x` does not exist."), "model/unknown", "no model 'some-mod", False),
        ((404, {}, '{"detail":"Not Found"}'), "model/address", "404: Not Found", False),
        ((404, {}, "<h1>Nothing here</h1>"), "model/address", "404: Nothing here", False),
        (said(400, "Unknown model: x not found"), "model/unknown", "no model", False),
        (said(400, LONG, code="context_length_exceeded"), "model/context-overflow", "4096", False),
        (said(413, "prompt is too long"), "model/context-overflow", "prompt is too long", False),
        (said(400, "smollm2 does not support tools"), "model/no-tools", "takes no tools", False),
        (said(500, "tools param requires --jinja flag"), "model/no-tools", "jinja", False),
        (said(400, '"auto" needs --enable-auto-tool-choice'), "model/no-tools", "auto", False),
        (said(400, "bad temperature"), "model/request", "with 400: bad temperature", False),
        (said(422, "no such field"), "model/request", "with 422: no such field", False),
        (said(429, "Slow down"), "model/rate-limit", "Slow down", True),
        (said(429, "Pay", code="insufficient_quota"), "model/quota", "used up: Pay", False),
        (said(500, "Oops"), "model/busy", "500, Oops", True),
        (said(503, "Loading model"), "model/busy", "503, Loading model", True),
        ((307, {"Location": "http://other.example/v1"}, ""), "model/redirect", "other.ex", False),
        ((500, {}, "x" * 9000), "model/busy", "xxx …", True),
    ],
)
def test_what_a_server_refuses(
    gate: Gate, refusal: Refusal, code: str, words: str, retry: bool
) -> None:
    gate.refusals = [refusal]
    error = failure(openai(gate))
    assert (error.code, error.retry) == (code, retry)
    assert words in error.message
    assert len(error.message) < 800
    assert error.fix or code == "model/request"


def test_the_models_that_are_there_are_named(gate: Gate) -> None:
    there = json.dumps({"data": [{"id": "some-modell"}, {"id": "other"}]})
    gate.refusals = [said(404, "The model `some-model` does not exist."), (200, {}, there)]
    error = failure(openai(gate))
    assert "It has other, some-modell." in error.message
    assert error.fix == "Did you mean 'some-modell'?"


@pytest.mark.parametrize(
    ("spec", "where"),
    [
        (OllamaModel(model="some-model", retries=0), "url"),
        (ProviderModel(model="openai:some-model", retries=0), "v1"),
        (ProviderModel(model="anthropic:some-model", retries=0), "url"),
    ],
    ids=["ollama", "openai", "anthropic"],
)
def test_every_client_names_the_models_that_are_there(
    gate: Gate, spec: ModelSpec, where: str
) -> None:
    there = json.dumps({"data": [{"id": "some-modell"}, {"id": "other"}]})
    gate.refusals = [said(404, "model: some-model not found"), (200, {}, there)]
    if isinstance(spec, OllamaModel):  # it is asked before anything else
        gate.refusals = [(200, {}, json.dumps({"models": [{"model": "some-modell"}]}))]
    error = failure(spec.model_copy(update={"base_url": getattr(gate, where)}))
    assert error.code == "model/unknown"
    assert "some-modell" in error.message


def streamed(*pieces: str) -> Refusal:
    """An answer as OpenAI's protocol streams it."""
    chunks: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces
    ]
    usage = {"prompt_tokens": 3, "completion_tokens": len(pieces), "total_tokens": 9}
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage}
    whole = [
        json.dumps({"id": "x", "object": "chat.completion.chunk", **c}) for c in [*chunks, last]
    ]
    events = "".join(f"data: {chunk}\n\n" for chunk in [*whole, "[DONE]"])
    return 200, {"Content-Type": "text/event-stream"}, events


@pytest.mark.parametrize(
    ("pieces", "answer", "ignored"),
    [
        (("One", ", two", ". EN", "D and on", " and on"), "One, two. ", True),
        (("One. END more",), "One. ", True),
        (("One. ", "END"), "One. ", False),  # it stops there, and writes the stop text
        (("One. EN", "CORE"), "One. ENCORE", False),
        (("One. EN",), "One. EN", False),
    ],
)
async def test_stop_texts_end_an_answer_whatever_the_server_does(
    gate: Gate, pieces: tuple[str, ...], answer: str, ignored: bool
) -> None:
    model = openai(gate).open(RecordingContext(secrets=SECRETS))
    gate.refusals = [streamed(*pieces), streamed(*pieces)]
    for said in (model.invoke("Count.", stop=["END"]), await model.ainvoke("Count.", stop=["END"])):
        assert said.text == answer
        assert said.response_metadata["finish_reason"] == "stop"
        notes = " ".join(said.response_metadata.get(NOTES, ()))
        assert ("ignores stop texts" in notes) is ignored


def test_nobody_is_there() -> None:
    error = failure(OpenAiModel(base_url="http://127.0.0.1:9/v1", model="x"))
    assert (error.code, error.retry) == ("model/unreachable", True)
    assert error.message.startswith("Nothing answers at http://127.0.0.1:9/v1:")
    assert "llama-server" in error.fix


def test_a_server_that_says_nothing(gate: Gate) -> None:
    gate.silent = threading.Event()
    error = failure(openai(gate, timeout_s=0.2))
    assert error.code == "model/timeout"
    assert "silent for too long" in error.message


def test_an_answer_that_is_no_answer(gate: Gate) -> None:
    gate.refusals = [(200, {"Content-Type": "text/html"}, "<h1>Router login</h1>")]
    error = failure(OpenAiModel(base_url=gate.v1))  # asks for the list of models first
    assert error.code == "model/address"
    assert "list of models" in error.message


@pytest.mark.parametrize(
    ("spec", "where"),
    [
        (OllamaModel(model="smollm2:135m", retries=0), "url"),
        (ProviderModel(model="openai:some-model", retries=0), "v1"),
        (ProviderModel(model="anthropic:some-model", retries=0), "url"),
    ],
    ids=["ollama", "openai", "anthropic"],
)
@pytest.mark.parametrize(
    ("status", "code"), [(401, "model/key"), (429, "model/rate-limit"), (500, "model/busy")]
)
def test_other_clients_say_the_same(
    gate: Gate, spec: ModelSpec, where: str, status: int, code: str
) -> None:
    gate.refusals = [said(status, "No.")]
    found = failure(spec.model_copy(update={"base_url": getattr(gate, where)}))
    assert found.code == code
    assert "No." in found.message


# --- asking again ---------------------------------------------------------------------------------


@pytest.fixture
def real(llama_server: LlamaServer) -> Iterator[Gate]:
    """A gate with a real model behind it."""
    with open_gate(llama_server.url) as gate:
        yield gate


SOON = {"Retry-After": "0"}


@pytest.mark.parametrize("status", [429, 503, 529])
def test_a_busy_server_is_asked_again(real: Gate, status: int) -> None:
    real.refusals = [said(status, "Wait", SOON)] * 2
    assert asked(openai(real, key=KEYED, retries=2))
    assert len(real.requests) == 3


async def test_waiting_is_said(real: Gate) -> None:
    real.refusals = [said(429, "Wait", {"retry-after-ms": "1"})]
    spec = openai(real, key=KEYED, retries=1)
    model = spec.open(RecordingContext(secrets=SECRETS))
    chunks = [chunk async for chunk in model.astream("Hi", **spec.call_options(max_tokens=2))]
    [note] = chunks[0].response_metadata["notes"]
    assert "takes no more requests" in note
    assert "Asking again in 0.001 s." in note


def test_it_is_not_asked_for_ever(real: Gate) -> None:
    real.refusals = [said(429, "Wait", SOON)] * 9
    error = failure(openai(real, key=KEYED, retries=2))
    assert error.code == "model/rate-limit"
    assert "It was asked 3 times." in str(error)
    assert len(real.requests) == 3


def test_a_long_wait_is_not_waited_for(real: Gate) -> None:
    real.refusals = [said(429, "Tomorrow", {"Retry-After": "86400"})]
    error = failure(openai(real, key=KEYED, retries=5))
    assert "It asks to wait 24 h." in error.message
    assert len(real.requests) == 1


def test_what_cannot_help_is_not_done(real: Gate) -> None:
    real.refusals = [said(400, "bad temperature", SOON)]
    assert failure(openai(real, key=KEYED, retries=5)).code == "model/request"
    assert len(real.requests) == 1


def test_an_answer_that_broke_off_is_not_asked_for_again(real: Gate) -> None:
    real.breaks = [6]
    error = failure(openai(real, key=KEYED, retries=5))
    assert error.code == "model/busy"
    assert "the cable was pulled" in error.message
    assert len(real.requests) == 1


def test_how_long_a_server_asks_to_wait() -> None:
    assert retry_after({}) is None
    assert retry_after({"retry-after": "7"}) == 7
    assert retry_after({"retry-after": "-7"}) == 0
    assert retry_after({"retry-after-ms": "1500", "retry-after": "9"}) == 1.5
    assert retry_after({"retry-after": "soon"}) is None
    assert retry_after({"retry-after": formatdate(0)}) == 0
    inside = retry_after({"retry-after": formatdate(time.time() + 3600)})
    assert inside is not None
    assert 3000 < inside < 4000
