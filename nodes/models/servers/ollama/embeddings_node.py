"""The node that describes embeddings from an Ollama server."""

from __future__ import annotations

from collections.abc import Callable

from patchbay.nodes.contract import DescribingNode, Field, NodeParams, Ports, port
from patchbay.nodes.models.servers.address import Address, key_and_name
from patchbay.nodes.models.servers.ollama.embeddings import OllamaEmbeddings
from patchbay.nodes.values import SecretRef


class OllamaEmbeddingsNode(DescribingNode):
    """Turns texts into vectors with a model that an Ollama server runs.

    What the server does not have yet it fetches, if you let it.
    """

    kind, version = "embeddings.ollama", 1
    title, family = "Ollama embeddings", "Retrieval"
    icon = "◐"
    requires = ("langchain_ollama", "ollama")

    class Params(NodeParams):
        model: str = Field("all-minilm", min_length=1, max_length=500, widget="model")
        """A model by the name that `ollama list` shows."""
        base_url: Address | None = Field(None, max_length=2000)
        """Where the server is. Empty: OLLAMA_HOST, or port 11434 of this machine."""
        api_key: SecretRef | None = Field(None, widget="secret")
        """The secret that holds a key, where something before the server wants one."""
        pull: bool = False
        """Let the server fetch the model when it does not have it."""
        keep_alive: int | None = Field(None, ge=-1, le=31_536_000)
        """Seconds for which the server keeps the model in memory; -1 for ever."""
        dimensions: int | None = Field(None, ge=1, le=65_536)
        """Shorter vectors, from models that can give them."""
        document_prefix: str = Field("", max_length=1000)
        """What the model wants before a text that is searched, such as "search_document: "."""
        query_prefix: str = Field("", max_length=1000)
        """What the model wants before a question, such as "search_query: "."""
        batch: int = Field(32, ge=1, le=2048)
        """Texts in one request."""
        timeout: float = Field(120.0, gt=0, le=86_400)
        """Seconds that the server may be silent; loading a model counts."""
        retries: int = Field(3, ge=0, le=10)
        """How often a request is made again when the server says that it is too busy."""

    class Outputs(Ports):
        embeddings: OllamaEmbeddings = port(doc="The description; an index opens it.")

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """Describe the embeddings. Nobody is asked anything."""
        fields = params.model_dump(exclude={"api_key", "timeout"})
        made = OllamaEmbeddings(key=params.api_key, timeout_s=params.timeout, **fields)
        return cls.Outputs(embeddings=made)

    @classmethod
    def choices(
        cls, param: str, params: Params, secret_of: Callable[[SecretRef], str]
    ) -> list[str] | None:
        """The models that the server has."""
        if param != "model":
            return None
        from patchbay.nodes.models.servers.ollama.host import address_of, list_models

        key, secret = key_and_name(params.api_key, secret_of)
        return list_models(address_of(params.base_url or ""), key, secret)

    @classmethod
    def summary(cls, params: Params) -> str:
        """The model, and where it is if that is said."""
        where = (params.base_url or "").partition("://")[2]
        return f"{params.model} · {where}" if where else params.model
