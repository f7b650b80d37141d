"""Chat models and embeddings of an Ollama server, through `langchain-ollama`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from patchbay.nodes.models.servers.ollama.embeddings import OllamaEmbeddings
from patchbay.nodes.models.servers.ollama.host import (
    address_of,
    check_capable,
    client_options,
    duration,
    provide,
    server_of,
)
from patchbay.nodes.models.servers.ollama.spec import OllamaModel, translator
from patchbay.nodes.values import Opening

if TYPE_CHECKING:
    from patchbay.nodes.models.servers.chat import ServedChat
    from patchbay.nodes.models.servers.embeddings import ServedEmbeddings
    from patchbay.nodes.models.servers.errors import Server


def open_chat(spec: OllamaModel, opening: Opening) -> ServedChat:
    """A chat model for the description; its server has the model when this returns.

    Raises:
        NodeError: no server answers, or it has no such model and none may be fetched.
    """
    from patchbay.nodes.models.servers.chat import ServedChat
    from patchbay.nodes.models.servers.ollama.chat import ThinkingOllama

    server, key = _provided(spec, opening)
    inner = ThinkingOllama(
        model=spec.model,
        base_url=server.address,
        keep_alive=duration(spec.keep_alive),
        **client_options(server.address, spec.timeout_s, key),
    )
    return ServedChat.over(
        inner, server, translator(spec), retries=spec.retries, context=spec.context,
        look=partial(check_capable, server, key, spec),
    )  # fmt: skip


def open_embeddings(spec: OllamaEmbeddings, opening: Opening) -> ServedEmbeddings:
    """Embeddings for the description; its server has the model when this returns.

    Raises:
        NodeError: no server answers, or it has no such model and none may be fetched.
    """
    from langchain_ollama import OllamaEmbeddings as Client

    from patchbay.nodes.models.servers.embeddings import ServedEmbeddings

    server, key = _provided(spec, opening)
    inner = Client(
        model=spec.model,
        base_url=server.address,
        dimensions=spec.dimensions,
        keep_alive=spec.keep_alive,
        **client_options(server.address, spec.timeout_s, key),
    )
    return ServedEmbeddings(
        inner,
        server,
        batch=spec.batch,
        retries=spec.retries,
        prefixes=(spec.document_prefix, spec.query_prefix),
    )


def _provided(spec: OllamaModel | OllamaEmbeddings, opening: Opening) -> tuple[Server, str]:
    """The server, which has the model now, and the key for it.

    Raises:
        NodeError: no server answers, or it has no such model and none may be fetched.
    """
    key = opening.secret(spec.key) if spec.key else ""
    address = address_of(spec.base_url or "")
    server = server_of(address, spec.model, key, spec.key.secret if spec.key else "")
    provide(server, key, opening.report, pull=spec.pull)
    return server, key
