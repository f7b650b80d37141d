"""The description of embeddings from an Ollama server."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from patchbay.nodes.models.servers.address import Address
from patchbay.nodes.values import EmbeddingsSpec, Opening, SecretRef

if TYPE_CHECKING:
    from patchbay.nodes.models.servers.embeddings import ServedEmbeddings


class OllamaEmbeddings(EmbeddingsSpec):
    """Embeddings from an Ollama server.

    An empty `base_url` is the server of `OLLAMA_HOST`, or the one on this machine. `keep_alive` is
    how many seconds the server keeps the model in memory after a request.
    """

    backend: ClassVar[str] = "ollama"

    model: str
    base_url: Address | None = None
    key: SecretRef | None = None
    pull: bool = False
    keep_alive: int | None = None
    dimensions: int | None = Field(None, ge=1)
    document_prefix: str = ""
    query_prefix: str = ""
    batch: int = Field(32, ge=1, le=2048)
    timeout_s: float = Field(120.0, gt=0)
    retries: int = Field(3, ge=0, le=10)

    def memory(self) -> int:
        """Nothing here: the weights are in the server's memory."""
        return 0

    def open(self, opening: Opening) -> ServedEmbeddings:
        """Find the server, make sure that it has the model, make a client.

        Raises:
            NodeError: no server answers, or it has no such model and none may be fetched.
        """
        from patchbay.nodes.models.servers.ollama.client import open_embeddings

        return open_embeddings(self, opening)
