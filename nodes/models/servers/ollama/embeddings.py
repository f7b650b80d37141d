"""The description of embeddings from an Ollama server."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from patchbay.nodes.models.options import RemoteEmbeddings
from patchbay.nodes.models.servers.address import Address
from patchbay.nodes.values import Opening

if TYPE_CHECKING:
    from patchbay.nodes.models.servers.embeddings import ServedEmbeddings


class OllamaEmbeddings(RemoteEmbeddings):
    """Embeddings from an Ollama server.

    An empty `base_url` is the server of `OLLAMA_HOST`, or the one on this machine. `keep_alive` is
    how many seconds the server keeps the model in memory after a request.
    """

    backend: ClassVar[str] = "ollama"

    model: str
    base_url: Address | None = None
    pull: bool = False
    keep_alive: int | None = None

    def open(self, opening: Opening) -> ServedEmbeddings:
        """Find the server, make sure that it has the model, make a client.

        Raises:
            NodeError: no server answers, or it has no such model and none may be fetched.
        """
        from patchbay.nodes.models.servers.ollama.client import open_embeddings

        return open_embeddings(self, opening)
