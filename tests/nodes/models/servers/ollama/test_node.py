"""The Ollama node, with Ollama's real client, on a server that speaks its protocol."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.asking import ask
from patchbay.nodes.models.servers.ollama.host import address_of, duration
from patchbay.nodes.models.servers.ollama.node import Ollama
from patchbay.nodes.models.servers.ollama.spec import OllamaModel, translated
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.values import Message, decode, encode
from tests.nodes.models.ollama_server import OllamaServer

HI = [Message(role="user", content="Say hello.")]
SHORT = {"temperature": 0, "max_tokens": 4}


def described(**params: Any) -> OllamaModel:
    """What the node gives."""
    checked = Ollama.Params.model_validate(params)
    model = Ollama.describe(checked, Ollama.Inputs()).as_dict()["model"]
    assert isinstance(model, OllamaModel)
    return model


async def answered(spec: OllamaModel, ctx: RecordingContext | None = None) -> str:
    return (await ask(ctx or RecordingContext(), spec, HI, **spec.call_options(**SHORT))).text


async def failure(spec: OllamaModel) -> NodeError:
    with pytest.raises(NodeError) as caught:
        await answered(spec)
    return caught.value


def test_it_describes_and_asks_nobody() -> None:
    model = described(model="qwen3:4b", context=8192, seed=1)
    assert model.base_url is None
    assert decode(encode(model), {model.tag(): OllamaModel}) == model
    assert model.resource() == model.model_copy(update={"seed": None})
    assert run_node(Ollama)["model"] == described()


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"model": ""}, "at least 1 character"),
        ({"base_url": "localhost"}, "must start with http://"),
        ({"keep_alive": "a while"}, "must be a time"),
        ({"context": 1}, "greater than or equal to 256"),
    ],
)
def test_wrong_params_say_what_is_wrong(params: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Ollama.Params(**params)


@pytest.mark.parametrize("text", ["0", "-1", "30s", "5m", "1.5h", "1h30m", "500ms"])
def test_times_that_are_taken(text: str) -> None:
    assert Ollama.Params(keep_alive=text).keep_alive == text
    assert duration(text) == (int(text) if text in ("0", "-1") else text)


def test_the_summary_names_the_model_and_a_place_that_is_given() -> None:
    assert Ollama.summary(Ollama.Params(model="m")) == "m"
    assert Ollama.summary(Ollama.Params(model="m", base_url="http://gpu:1")) == "m · gpu:1"


@pytest.mark.parametrize(
    ("variable", "address"),
    [
        (None, "http://127.0.0.1:11434"),
        ("", "http://127.0.0.1:11434"),
        ("gpu07", "http://gpu07:11434"),
        ("gpu07:80", "http://gpu07:80"),
        ("0.0.0.0:5000", "http://127.0.0.1:5000"),
        ("https://ollama.example.com", "https://ollama.example.com"),
        ("[::1]", "http://[::1]:11434"),
    ],
)
def test_where_the_server_is(variable: str | None, address: str) -> None:
    env = {} if variable is None else {"OLLAMA_HOST": variable}
    assert address_of("", env) == address
    assert address_of("http://given:1", env) == "http://given:1"


def test_a_wrong_variable_is_named() -> None:
    with pytest.raises(NodeError, match=r"OLLAMA_HOST.*must not hold a user"):
        address_of("", {"OLLAMA_HOST": "http://me:pw@gpu"})


# --- what the server has --------------------------------------------------------------------------


def test_the_models_of_the_server_can_be_chosen(
    ollama: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = Ollama.Params(base_url=ollama.url)
    ollama.models.append("qwen3:4b")
    assert Ollama.choices("model", params, str) == ["smollm2:135m", "qwen3:4b"]
    assert Ollama.choices("context", params, str) is None
    monkeypatch.setenv("OLLAMA_HOST", ollama.url)
    assert Ollama.choices("model", Ollama.Params(), str) == ["smollm2:135m", "qwen3:4b"]


async def test_no_server_says_how_to_start_one() -> None:
    error = await failure(described(base_url="http://127.0.0.1:9"))
    assert error.code == "model/unreachable"
    assert error.message.startswith("Nothing answers at http://127.0.0.1:9")
    assert "`ollama serve`" in error.fix


async def test_another_server_is_not_taken_for_one(ollama: OllamaServer) -> None:
    error = await failure(described(base_url=f"{ollama.url}/elsewhere"))
    assert error.code == "model/address"
    assert "404 page not found" in error.message


async def test_a_model_that_is_not_there(ollama: OllamaServer) -> None:
    error = await failure(described(model="smollm2:136m", base_url=ollama.url))
    assert error.code == "model/unknown"
    assert error.message.endswith("has no model 'smollm2:136m'. It has smollm2:135m.")
    assert "ollama pull smollm2:136m" in error.fix
    assert all(path != "/api/pull" for path, _ in ollama.asked)


async def test_it_is_fetched_where_that_is_wanted(ollama: OllamaServer) -> None:
    ctx = RecordingContext()
    assert await answered(described(model="smollm2", pull=True, base_url=ollama.url), ctx)
    assert "smollm2:latest" in ollama.models
    assert ("Ollama: pulling 555555555555", 40_000_000, 98_362_432) in ctx.progressed
    assert ctx.progressed[-1][0] == "Ollama: success"
    await answered(described(model="smollm2", pull=True, base_url=ollama.url))
    assert [path for path, _ in ollama.asked].count("/api/pull") == 1


async def test_a_model_that_nobody_has(ollama: OllamaServer) -> None:
    error = await failure(described(model="no-such", pull=True, base_url=ollama.url))
    assert error.code == "model/unknown"
    assert "knows no model 'no-such'" in error.message


def test_fetching_stops_when_the_run_does(ollama: OllamaServer) -> None:
    class CancelledError(Exception):
        pass

    class Cancelling(RecordingContext):
        def report(self, label: str, done: float, total: float | None) -> None:
            if total:
                raise CancelledError

    with pytest.raises(CancelledError):
        described(model="smollm2", pull=True, base_url=ollama.url).open(Cancelling())


# --- asking ---------------------------------------------------------------------------------------


async def test_what_the_server_is_told(ollama: OllamaServer) -> None:
    spec = described(
        base_url=ollama.url,
        context=512,
        keep_alive="-1",
        top_p=0.5,
        repeat_penalty=1.1,
        options={"num_thread": 2},
    )
    ctx = RecordingContext()
    schema = {"type": "object"}
    await ask(
        ctx, spec, HI, **spec.call_options(**SHORT, seed=3, stop=["\n\n"], json_schema=schema)
    )
    sent = ollama.last("/api/chat")
    assert sent["options"] == {
        "num_ctx": 512, "num_thread": 2, "temperature": 0, "num_predict": 4, "seed": 3,
        "stop": ["\n\n"], "top_p": 0.5, "repeat_penalty": 1.1,
    }  # fmt: skip
    assert (sent["format"], sent["keep_alive"]) == (schema, -1)
    assert (sent["truncate"], sent["shift"]) == (False, False)
    assert ctx.prompt_tokens > 10


async def test_a_prompt_is_never_cut_in_silence(ollama: OllamaServer) -> None:
    """Ollama leaves out the beginning of what is longer than its context, unless told not to."""
    spec = described(base_url=ollama.url, context=256)
    with pytest.raises(NodeError) as caught:
        await ask(
            RecordingContext(), spec, [Message(role="user", content="Hello " * 400)], max_tokens=2
        )
    assert caught.value.code == "model/context-overflow"


async def test_where_an_old_server_cuts_it_the_run_says_so(ollama: OllamaServer) -> None:
    ollama.old = True
    spec, ctx = described(base_url=ollama.url, context=256), RecordingContext()
    long = [Message(role="user", content="Hello " * 400)]
    await ask(ctx, spec, long, **spec.call_options(temperature=0, max_tokens=2))
    assert ctx.prompt_tokens == 256
    filled, cut = sorted(ctx.warnings, key=lambda warning: "256" not in warning)
    assert "filled all 256 tokens" in filled
    assert "cut" in cut


async def test_a_key_goes_along_and_the_environments_does_not(
    ollama: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "mine-alone")
    ollama.key = "Bearer right"
    error = await failure(described(base_url=ollama.url))
    assert error.code == "model/key"
    assert "mine-alone" not in str(ollama.headers)
    ctx = RecordingContext(secrets={"SOME_KEY": "right"})
    assert await answered(described(base_url=ollama.url, api_key={"secret": "SOME_KEY"}), ctx)


def test_options_of_a_call_win() -> None:
    made = translated({"options": {"top_k": 9}, "seed": None, "tools": []}, {"top_k": 1}, None)
    assert made == {"tools": [], "options": {"top_k": 9}}
