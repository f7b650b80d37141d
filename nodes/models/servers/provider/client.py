"""Chat models of providers, through LangChain's `init_chat_model`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.servers.errors import Server
from patchbay.nodes.models.servers.openai.client import NO_KEY, http_clients, list_models
from patchbay.nodes.models.servers.openai.spec import translated as openai_translated
from patchbay.nodes.models.servers.provider.names import Integration, split_name
from patchbay.nodes.models.servers.provider.spec import ProviderModel
from patchbay.nodes.values import Opening

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel

    from patchbay.nodes.models.servers.chat import ServedChat

_ONE_REQUEST = {"Connection": "close"}
"""A header: no connection outlives its request, as the event loop that made it may be gone."""


def missing_package(name: str, provider: Integration) -> NodeError:
    """The integration is not here."""
    return NodeError(
        f"The model {name!r} needs {provider.package}, not installed here.",
        fix=f"Run: {provider.install}",
        code="model/missing-package",
        retry=False,
    )


def open_chat(spec: ProviderModel, opening: Opening) -> ServedChat:
    """A chat model for the description.

    Raises:
        NodeError: the integration is not installed or does not take these settings, or the secret
            is not set.
    """
    from patchbay.nodes.models.servers.chat import ServedChat

    if spec.provider.missing:
        raise missing_package(spec.model, spec.provider)
    key = opening.secret(spec.secret) if spec.secret else ""
    try:
        inner = _made(spec, key)
    except (ValueError, TypeError, ImportError) as error:
        raise NodeError(
            f"The integration {spec.provider.package} does not take these settings for "
            f"{spec.model!r}: {error}",
            fix="Check extra against the integration's documentation.",
            code="model/settings",
            retry=False,
        ) from error
    provider, model = split_name(spec.model)
    where = spec.base_url or provider
    listing = partial(_list_models, spec, key) if spec.base_url or spec.provider.lists else None
    server = Server(where, model, spec.secret.secret if spec.secret else "", _START, listing)
    translate = partial(
        _translated, inner=inner, like_openai=_like_openai(provider), names=_names(provider)
    )
    return ServedChat.over(
        inner, server, translate, retries=spec.retries, says_end=provider == "anthropic"
    )


def _made(spec: ProviderModel, key: str) -> BaseChatModel:
    """LangChain's client; for OpenAI's own protocol, the one that keeps all that is sent."""
    from langchain.chat_models import init_chat_model

    provider, name = split_name(spec.model)
    if provider == "openai":
        from patchbay.nodes.models.servers.openai.stream import OpenAiChat

        return OpenAiChat(model=name, **_settings(spec, key))
    made: BaseChatModel = init_chat_model(spec.model, **_settings(spec, key))
    return made


def _list_models(spec: ProviderModel, key: str) -> list[str]:
    """The models that the provider has. Raises `NodeError` where it does not say."""
    secret = spec.secret.secret if spec.secret else ""
    if split_name(spec.model)[0] == "anthropic":
        address = f"{spec.base_url or spec.provider.lists}/v1"
        headers = {"x-api-key": key, "anthropic-version": "2023-06-01"}
        return list_models(address, key, secret, headers)
    if (
        spec.base_url and split_name(spec.model)[0] == "groq"
    ):  # its client adds this to requests too
        return list_models(f"{spec.base_url}/openai/v1", key, secret)
    return list_models(spec.base_url or spec.provider.lists, key, secret)


_START = "Check the network, and the address if one is given."


def _names(provider: str) -> Mapping[str, str]:
    """Options that an integration calls otherwise in a call: Google's refuses the usual name."""
    return {"max_tokens": "max_output_tokens"} if provider.startswith("google_") else {}


def _like_openai(provider: str) -> bool:
    return provider in ("openai", "azure_openai")


def _settings(spec: ProviderModel, key: str) -> dict[str, Any]:
    """What the integration is made with. It makes no tries of its own: those are ours."""
    provider, _ = split_name(spec.model)
    settings: dict[str, Any] = {**spec.extra, "max_retries": 0}
    if spec.base_url:
        settings["base_url"] = spec.base_url
    if key or spec.base_url:  # its own key from the environment is not for another server
        settings[spec.provider.key_as] = key or NO_KEY
    if _like_openai(provider):
        clients = http_clients(spec.base_url or "https://api.openai.com", key, spec.timeout_s)
        return {**settings, **clients, "stream_usage": True, "stream_chunk_timeout": None}
    if provider == "anthropic":
        return {**settings, "timeout": spec.timeout_s, "default_headers": _ONE_REQUEST}
    return settings


def _translated(
    call: Mapping[str, Any],
    *,
    inner: BaseChatModel,
    like_openai: bool,
    names: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """A call's options as the integration takes them."""
    if like_openai:
        return openai_translated(call, {}, "response_format")
    made = {names.get(k, k): v for k, v in call.items() if v is not None}
    wanted = made.pop("response_format", None)
    if wanted is None:
        return made
    return {**made, **_schema_words(inner, wanted["json_schema"]["schema"])}


def _schema_words(inner: BaseChatModel, schema: Mapping[str, Any]) -> dict[str, Any]:
    """How this integration is told a JSON schema: what `with_structured_output` would bind."""
    named = {"title": "answer", "description": "The answer.", **schema}
    try:
        chain: Any = inner.with_structured_output(named, method="json_schema")
        words = dict(chain.first.kwargs)
    except (ValueError, TypeError, NotImplementedError, AttributeError) as error:
        raise NodeError(
            f"The integration of this model cannot be told a JSON schema: {error}",
            fix="Leave the schema out, or use another model.",
            code="model/schema",
            retry=False,
        ) from error
    words.pop("ls_structured_output_format", None)
    return words
