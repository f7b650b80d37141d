"""The node that describes embeddings from an OpenAI-compatible server."""

from __future__ import annotations

from patchbay.nodes.contract import Field, Ports, port
from patchbay.nodes.models.options import EmbeddingsParams
from patchbay.nodes.models.servers.address import Address
from patchbay.nodes.models.servers.node import ServerNode
from patchbay.nodes.models.servers.openai.embeddings import OpenAiEmbeddings


class OpenAiEmbeddingsNode(ServerNode):
    """Turns texts into vectors on a server that speaks OpenAI's protocol.

    That is vLLM, SGLang, llama-server with `--embeddings`, LM Studio and most hosted services.
    """

    kind, version = "embeddings.openai", 1
    title, family = "Server embeddings", "Retrieval"
    front = "model"
    icon = "dots"
    synonyms = ("vectors", "embed", "gpt", "openai", "endpoint")
    requires = ("langchain_openai",)

    class Params(EmbeddingsParams):
        base_url: Address = Field("http://127.0.0.1:8080/v1", max_length=2000)
        """Where the server is."""
        model: str = Field("", max_length=500, widget="model")
        """A model that the server has. Empty: the only one it has."""

    class Outputs(Ports):
        embeddings: OpenAiEmbeddings = port(doc="The description; an index opens it.")

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """Describe the embeddings. Nobody is asked anything."""
        return cls.Outputs(embeddings=OpenAiEmbeddings(**params.described()))

    @classmethod
    def models(cls, base_url: Address | None, key: str, secret: str) -> list[str]:
        """The models that the server has."""
        from patchbay.nodes.models.servers.openai.client import list_models

        return list_models(base_url or "", key, secret)
