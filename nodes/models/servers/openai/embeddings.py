"""The description of embeddings from a server that speaks OpenAI's protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from patchbay.nodes.models.servers.address import Address
from patchbay.nodes.values import EmbeddingsSpec, Opening, SecretRef

if TYPE_CHECKING:
    from patchbay.nodes.models.servers.embeddings import ServedEmbeddings


class OpenAiEmbeddings(EmbeddingsSpec):
    """Embeddings from an OpenAI-compatible server: vLLM, SGLang, llama-server, hosted ones.

    `model` may be empty where the server has one only. `dimensions` asks for shorter vectors where
    the model can give them. `batch` counts texts in one request.
    """

    backend: ClassVar[str] = "openai"

    base_url: Address
    model: str = ""
    key: SecretRef | None = None
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
        """Make a client. The server is asked only where the model has no name here.

        Raises:
            NodeError: the secret is not set, or the server does not say which model it has.
        """
        from patchbay.nodes.models.servers.openai.client import open_embeddings

        return open_embeddings(self, opening)
