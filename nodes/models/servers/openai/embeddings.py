"""The description of embeddings from a server that speaks OpenAI's protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from patchbay.nodes.models.options import RemoteEmbeddings
from patchbay.nodes.models.servers.address import Address
from patchbay.nodes.values import Opening

if TYPE_CHECKING:
    from patchbay.nodes.models.servers.embeddings import ServedEmbeddings


class OpenAiEmbeddings(RemoteEmbeddings):
    """Embeddings from an OpenAI-compatible server: vLLM, SGLang, llama-server, hosted ones.

    `model` may be empty where the server has one only.
    """

    backend: ClassVar[str] = "openai"

    base_url: Address
    model: str = ""

    def open(self, opening: Opening) -> ServedEmbeddings:
        """Make a client. The server is asked only where the model has no name here.

        Raises:
            NodeError: the secret is not set, or the server does not say which model it has.
        """
        from patchbay.nodes.models.servers.openai.client import open_embeddings

        return open_embeddings(self, opening)
