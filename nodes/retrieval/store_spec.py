"""The description of a retriever over a vector database that others have filled."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from patchbay.nodes.values import EmbeddingsSpec, Opening, RetrieverSpec, SecretRef

if TYPE_CHECKING:
    from langchain_core.retrievers import BaseRetriever

StoreName = Literal["qdrant", "chroma", "pinecone", "astra", "pgvector"]


class StoreRetriever(RetrieverSpec):
    """Finds the nearest texts of a collection. `folder` is a Qdrant database on this machine."""

    backend: ClassVar[str] = "store"

    store: StoreName
    collection: str
    embeddings: EmbeddingsSpec
    url: str = ""
    folder: str = ""
    key: SecretRef | None = None
    space: str = ""
    text_field: str = "text"
    k: int = Field(4, ge=1, le=1000)
    threshold: float | None = None
    allow_loopback: bool = False
    seconds: float = 30

    def open(self, opening: Opening) -> BaseRetriever:
        """Open the embeddings, and the database where it lies on this machine.

        Raises:
            NodeError: the key is not set, or the database is not there.
        """
        from patchbay.nodes.retrieval.open_store import OpenStore, StoreClient

        key = opening.secret(self.key) if self.key is not None else ""
        client: StoreClient | None = None
        if self.folder:
            from patchbay.nodes.retrieval.qdrant_folder import QdrantFolder

            client = QdrantFolder(self)
        if self.store == "pgvector":
            from patchbay.nodes.retrieval.pgvector import PgVector

            client = PgVector(self, key)
        return OpenStore(
            spec=self, embeddings=opening.open(self.embeddings), key=key, client=client
        )
