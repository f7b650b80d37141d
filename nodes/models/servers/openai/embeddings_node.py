"""The node that describes embeddings from an OpenAI-compatible server."""

from __future__ import annotations

from collections.abc import Callable

from patchbay.nodes.contract import DescribingNode, Field, NodeParams, Ports, port
from patchbay.nodes.models.servers.address import Address, key_and_name
from patchbay.nodes.models.servers.openai.embeddings import OpenAiEmbeddings
from patchbay.nodes.values import SecretRef


class OpenAiEmbeddingsNode(DescribingNode):
    """Turns texts into vectors on a server that speaks OpenAI's protocol.

    That is vLLM, SGLang, llama-server with `--embeddings`, LM Studio and most hosted services.
    """

    kind, version = "embeddings.openai", 1
    title, family = "Server embeddings", "Retrieval"
    icon = "⇄"
    requires = ("langchain_openai",)

    class Params(NodeParams):
        base_url: Address = Field("http://127.0.0.1:8080/v1", max_length=2000)
        """Where the server is."""
        model: str = Field("", max_length=500, widget="model")
        """A model that the server has. Empty: the only one it has."""
        api_key: SecretRef | None = Field(None, widget="secret")
        """The secret that holds the server's key, where it wants one."""
        dimensions: int | None = Field(None, ge=1, le=65_536)
        """Shorter vectors, from models that can give them."""
        document_prefix: str = Field("", max_length=1000)
        """What the model wants before a text that is searched, such as "search_document: "."""
        query_prefix: str = Field("", max_length=1000)
        """What the model wants before a question, such as "search_query: "."""
        batch: int = Field(32, ge=1, le=2048)
        """Texts in one request."""
        timeout: float = Field(120.0, gt=0, le=86_400)
        """Seconds that the server may be silent."""
        retries: int = Field(3, ge=0, le=10)
        """How often a request is made again when the server says that it is too busy."""

    class Outputs(Ports):
        embeddings: OpenAiEmbeddings = port(doc="The description; an index opens it.")

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """Describe the embeddings. Nobody is asked anything."""
        fields = params.model_dump(exclude={"api_key", "timeout"})
        made = OpenAiEmbeddings(key=params.api_key, timeout_s=params.timeout, **fields)
        return cls.Outputs(embeddings=made)

    @classmethod
    def choices(
        cls, param: str, params: Params, secret_of: Callable[[SecretRef], str]
    ) -> list[str] | None:
        """The models that the server has."""
        if param != "model":
            return None
        from patchbay.nodes.models.servers.openai.client import list_models

        key, secret = key_and_name(params.api_key, secret_of)
        return list_models(params.base_url, key, secret)

    @classmethod
    def summary(cls, params: Params) -> str:
        """The model, and where it is."""
        where = params.base_url.partition("://")[2]
        return f"{params.model} · {where}" if params.model else where
