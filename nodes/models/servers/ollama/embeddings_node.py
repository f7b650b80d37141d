"""The node that describes embeddings from an Ollama server."""

from __future__ import annotations

from patchbay.nodes.contract import Field, Ports, port
from patchbay.nodes.models.options import EmbeddingsParams
from patchbay.nodes.models.servers.address import Address
from patchbay.nodes.models.servers.node import ServerNode
from patchbay.nodes.models.servers.ollama.embeddings import OllamaEmbeddings


class OllamaEmbeddingsNode(ServerNode):
    """Turns texts into vectors with a model that an Ollama server runs.

    What the server does not have yet it fetches, if you let it.
    """

    kind, version = "embeddings.ollama", 1
    title, family = "Ollama embeddings", "Retrieval"
    front = "model"
    icon = "dots"
    synonyms = ("vectors", "embed", "local")
    requires = ("langchain_ollama", "ollama")

    class Params(EmbeddingsParams):
        model: str = Field("all-minilm", min_length=1, max_length=500, widget="model")
        """A model by the name that `ollama list` shows."""
        base_url: Address | None = Field(None, max_length=2000)
        """Where the server is. Empty: OLLAMA_HOST, or port 11434 of this machine."""
        pull: bool = False
        """Let the server fetch the model when it does not have it."""
        keep_alive: int | None = Field(None, ge=-1, le=31_536_000)
        """Seconds for which the server keeps the model in memory; -1 for ever."""

    class Outputs(Ports):
        embeddings: OllamaEmbeddings = port(doc="The description; an index opens it.")

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """Describe the embeddings. Nobody is asked anything."""
        return cls.Outputs(embeddings=OllamaEmbeddings(**params.described()))

    @classmethod
    def models(cls, base_url: Address | None, key: str, secret: str) -> list[str]:
        """The models that the server has."""
        from patchbay.nodes.models.servers.ollama.host import address_of, list_models

        return list_models(address_of(base_url or ""), key, secret)
