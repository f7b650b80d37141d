"""Clients for servers that speak OpenAI's protocol."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from patchbay.nodes.models.servers.address import client_settings
from patchbay.nodes.models.servers.errors import Server
from patchbay.nodes.models.servers.openai.embeddings import OpenAiEmbeddings
from patchbay.nodes.models.servers.openai.spec import START, OpenAiModel, translator
from patchbay.nodes.values import Opening

if TYPE_CHECKING:
    import httpx

    from patchbay.nodes.models.servers.chat import ServedChat
    from patchbay.nodes.models.servers.embeddings import ServedEmbeddings
    from patchbay.nodes.models.servers.openai.quick_post import QuickPost

NO_KEY = "none"
"""Stands where the client wants a key and there is none; it is taken out of the request again."""

_LIST_S = 10.0


def open_chat(spec: OpenAiModel, opening: Opening) -> ServedChat:
    """A chat model for the description.

    Raises:
        NodeError: the secret is not set, or the server does not say which model it has.
    """
    from patchbay.nodes.models.servers.chat import ServedChat
    from patchbay.nodes.models.servers.openai.plain_streams import PlainAsyncStreams, PlainStreams
    from patchbay.nodes.models.servers.openai.stream import CompatibleChat, OpenAiChat

    key = opening.secret(spec.key) if spec.key else ""
    secret = spec.key.secret if spec.key else ""
    model = spec.model or only_model(spec.base_url, key, secret)
    server = server_of(spec.base_url, model, key, secret)
    # OpenAI itself has renamed max_tokens; everybody else still understands the old name.
    chat = OpenAiChat if is_openai(spec.base_url) else CompatibleChat
    clients = http_clients(spec.base_url, key, spec.timeout_s)
    inner = chat(
        model=server.model,
        base_url=spec.base_url,
        api_key=key or NO_KEY,
        max_retries=0,
        stream_usage=True,
        use_responses_api=False,
        stream_chunk_timeout=None,  # its asyncio.wait_for can swallow a cancellation (Python 3.11)
        **clients,
    )
    quick = _quick_post(inner.root_async_client, spec, key)
    inner.client = PlainStreams(inner.client)
    inner.async_client = PlainAsyncStreams(inner.async_client, quick)
    closers = [clients["http_client"].close, *([] if quick is None else [quick.close])]
    return ServedChat.over(
        inner, server, translator(spec), retries=spec.retries, closers=closers, says_end=False
    )


def open_embeddings(spec: OpenAiEmbeddings, opening: Opening) -> ServedEmbeddings:
    """Embeddings for the description.

    Raises:
        NodeError: the secret is not set, or the server does not say which model it has.
    """
    from langchain_openai import OpenAIEmbeddings

    from patchbay.nodes.models.servers.embeddings import ServedEmbeddings

    key = opening.secret(spec.key) if spec.key else ""
    secret = spec.key.secret if spec.key else ""
    model = spec.model or only_model(spec.base_url, key, secret)
    clients = http_clients(spec.base_url, key, spec.timeout_s)
    inner = OpenAIEmbeddings(
        model=model,
        base_url=spec.base_url,
        api_key=key or NO_KEY,
        dimensions=spec.dimensions,
        chunk_size=spec.batch,
        check_embedding_ctx_length=False,  # it would fetch a tokenizer, which only OpenAI's fit
        max_retries=0,
        **clients,
    )
    return ServedEmbeddings(
        inner,
        server_of(spec.base_url, model, key, secret),
        batch=spec.batch,
        retries=spec.retries,
        prefixes=(spec.document_prefix, spec.query_prefix),
        close=clients["http_client"].close,
    )


def server_of(address: str, model: str, key: str, secret: str) -> Server:
    """The server, for telling what is wrong with it. `secret` is the name of the key."""
    return Server(address, model, secret, START, models=lambda: list_models(address, key))


def is_openai(address: str) -> bool:
    """Whether this is OpenAI's own server."""
    return urlsplit(address).hostname == "api.openai.com"


def http_clients(address: str, key: str, timeout_s: float) -> dict[str, Any]:
    """The clients for blocking and asynchronous calls, as `langchain-openai` names them.

    Its own would send the organization of the environment, and something as a key, to anybody.
    """
    import httpx

    from patchbay.nodes.models.servers.openai.plain_streams import ClientOfEachLoop
    from patchbay.nodes.models.servers.openai.stream import look, look_async

    strip, settings = stripper(address, key), http_settings(address, timeout_s)

    async def strip_async(request: httpx.Request) -> None:
        strip(request)

    def make() -> httpx.AsyncClient:
        hooks = {"request": [strip_async], "response": [look_async]}
        return httpx.AsyncClient(**settings, event_hooks=hooks)  # type: ignore[arg-type]

    return {
        "timeout": settings["timeout"],  # the library has one of its own, ten minutes long
        "http_client": httpx.Client(
            **settings, event_hooks={"request": [strip], "response": [look]}
        ),
        "http_async_client": ClientOfEachLoop(make, **settings),
    }


def stripper(address: str, key: str) -> Callable[[httpx.Request], None]:
    """What takes out of a request what its server is not to get."""
    from patchbay.nodes.models.servers.openai.stream import ask_plainly

    unwanted = [] if key else ["authorization"]
    if not is_openai(address):
        unwanted += ["openai-organization", "openai-project"]

    def strip(request: httpx.Request) -> None:
        for name in unwanted:
            request.headers.pop(name, None)
        ask_plainly(request)

    return strip


def http_settings(address: str, timeout_s: float) -> dict[str, Any]:
    """Settings of clients, of which there may be many: certificates are read once for all."""
    import httpx

    settings = client_settings(address, timeout_s)
    return {**settings, "verify": httpx.create_ssl_context(trust_env=settings["trust_env"])}


def _quick_post(client: Any, spec: OpenAiModel, key: str) -> QuickPost | None:
    """What asks for streams in the client's place; None where it cannot."""
    if importlib.util.find_spec("aiohttp") is None:
        return None
    from patchbay.nodes.models.servers.openai.quick_post import QuickPost, no_proxy

    settings = http_settings(spec.base_url, spec.timeout_s)
    if not no_proxy(settings["trust_env"]):
        return None
    return QuickPost(client, stripper(spec.base_url, key), settings)


def list_models(
    address: str, key: str = "", secret: str = "", headers: Mapping[str, str] | None = None
) -> list[str]:
    """The names of the models that a server has, in its own order. Blocks for up to 10 s.

    vLLM lists its LoRA modules among them. `secret` is the name of the key; `headers` carry it
    where the server wants it otherwise than OpenAI's.

    Raises:
        NodeError: it does not answer, wants a key, or is no such server.
    """
    import httpx

    server = Server(address, "", secret, START)
    if headers is None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        with httpx.Client(**client_settings(address, _LIST_S)) as client:
            answer = client.get(f"{address}/models", headers=headers)
            answer.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise server.in_words(error) from error
    try:
        return [str(model["id"]) for model in answer.json()["data"]]
    except (ValueError, KeyError, TypeError) as error:
        raise server.strange("its list of models cannot be read") from error


def only_model(address: str, key: str, secret: str = "") -> str:
    """The model of a server that has one.

    Raises:
        NodeError: it has several or none, or does not answer.
    """
    there = list_models(address, key, secret)
    if len(there) == 1:
        return there[0]
    raise Server(address, "").unnamed(there)
