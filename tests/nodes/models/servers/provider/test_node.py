"""Provider models: openai: and anthropic: on llama.cpp's own server, which speaks both."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.asking import ask
from patchbay.nodes.models.servers.provider.client import _settings
from patchbay.nodes.models.servers.provider.names import PROVIDERS
from patchbay.nodes.models.servers.provider.node import Provider
from patchbay.nodes.models.servers.provider.spec import ProviderModel
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.values import Message, SecretRef, decode, encode
from tests.nodes.models.llama_server import KEY, LlamaServer

SECRETS = {"SOME_KEY": KEY, "OPENAI_API_KEY": "sk-mine-alone"}
KEYED = {"secret": "SOME_KEY"}
ASKED = [Message(role="user", content="What is the capital of Denmark?")]
MISSING = "perplexity"
"""A provider whose integration is in no extra of ours."""


def described(**params: Any) -> ProviderModel:
    """What the node gives."""
    checked = Provider.Params.model_validate(params)
    model = Provider.describe(checked, Provider.Inputs()).as_dict()["model"]
    assert isinstance(model, ProviderModel)
    return model


def test_it_describes_and_asks_nobody() -> None:
    model = described(model="anthropic:claude-haiku-4-5", temperature=0)
    assert decode(encode(model), {model.tag(): ProviderModel}) == model
    assert model.resource() == model.model_copy(update={"temperature": None})
    assert run_node(Provider)["model"] == described()


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"model": "gpt-5"}, "must be a provider, a colon and a model"),
        ({"model": "openai:"}, "must be a provider, a colon and a model"),
        ({"model": "opnai:gpt-5"}, "not one of anthropic, .*openai"),
        ({"model": "huggingface:org/model"}, "not one of"),  # it would load weights in here
        ({"extra": {"configurable_fields": "any"}}, "which this node sets itself"),
        ({"extra": {"openai_api_key": "x"}}, "which this node sets itself"),
        ({"extra": {"http_client": "x"}}, "which this node sets itself"),
    ],
)
def test_wrong_params_say_what_is_wrong(params: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Provider.Params(**params)


def test_a_missing_integration_is_named_before_anything_runs() -> None:
    assert PROVIDERS[MISSING].missing
    with pytest.raises(NodeError) as caught:
        described(model=f"{MISSING}:sonar")
    assert caught.value.code == "model/missing-package"
    assert caught.value.message == f"The model '{MISSING}:sonar' needs langchain_perplexity, " + (
        "not installed here."
    )
    assert caught.value.fix == "Run: pip install langchain-perplexity"
    with pytest.raises(NodeError, match="not installed here"):
        ProviderModel(model=f"{MISSING}:sonar").open(RecordingContext())


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_langchain_knows_the_providers(name: str) -> None:
    from langchain.chat_models import base

    package, *_ = base._BUILTIN_PROVIDERS[name]
    assert package.partition(".")[0] == PROVIDERS[name].package


# --- whose key goes where -------------------------------------------------------------------------


def test_the_usual_secret_is_for_the_providers_own_server() -> None:
    assert described(model="openai:m").secret == SecretRef(secret="OPENAI_API_KEY")
    assert described(model="anthropic:m").secret == SecretRef(secret="ANTHROPIC_API_KEY")
    assert described(model="openai:m", api_key=KEYED).secret == SecretRef(secret="SOME_KEY")
    assert described(model="openai:m", base_url="http://stranger.example").secret is None


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_the_environment_gives_strangers_nothing(provider: str) -> None:
    spec = described(model=f"{provider}:m", base_url="http://stranger.example")
    assert _settings(spec, "")["api_key"] == "none"


def test_a_key_that_is_not_set_is_named() -> None:
    with pytest.raises(NodeError, match="ANTHROPIC_API_KEY"):
        described(model="anthropic:m").open(RecordingContext())


def test_settings_that_the_integration_does_not_take() -> None:
    spec = described(model="openai:m", extra={"n": 0})
    with pytest.raises(NodeError, match="langchain_openai does not take") as caught:
        spec.open(RecordingContext(secrets=SECRETS))
    assert caught.value.code == "model/settings"


# --- real answers ---------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
async def test_it_answers(llama_server: LlamaServer, provider: str) -> None:
    url = llama_server.v1 if provider == "openai" else llama_server.url
    spec = described(model=f"{provider}:smollm2", base_url=url, api_key=KEYED)
    ctx = RecordingContext(secrets=SECRETS)
    answer = await ask(ctx, spec, ASKED, **spec.call_options(temperature=0, max_tokens=12))
    assert answer.text.startswith("Denmark is a")
    assert answer.cut
    assert answer.answer_tokens == 12
    assert len(ctx.streamed) > 5
    stopped = spec.call_options(temperature=0, max_tokens=12, stop=["Scand"])
    answer = await ask(ctx, spec, ASKED, **stopped)
    assert answer.text.strip() == "Denmark is a"


def test_seeds_are_only_given_to_those_that_know_them() -> None:
    assert described(model="openai:m", seed=1).call_options()["seed"] == 1
    assert "seed" not in described(model="anthropic:m", seed=1).call_options()


def test_anthropic_is_told_a_schema_in_its_own_words() -> None:
    from langchain.chat_models import init_chat_model

    from patchbay.nodes.models.servers.provider.client import _translated

    inner = init_chat_model("anthropic:claude-haiku-4-5", api_key="none")
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    call = ProviderModel(model="anthropic:m").call_options(json_schema=schema, max_tokens=3)
    made = _translated(call, inner=inner, like_openai=False)
    assert "response_format" not in made
    assert made["max_tokens"] == 3
    assert "'a'" in str(made)
