"""The node `retrieval.store`: a vector database that others have filled."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, model_validator

from patchbay.nodes.contract import DescribingNode, Field, NodeParams, Ports, port
from patchbay.nodes.database_address import has_password
from patchbay.nodes.retrieval.store_spec import StoreName, StoreRetriever
from patchbay.nodes.tools.fetch import check_address
from patchbay.nodes.values import EmbeddingsSpec, SecretRef


def _check_url(text: str) -> str:
    text = text.strip().rstrip("/")
    if text.startswith(_POSTGRES):
        if has_password(text):
            raise ValueError("the url has a password in it; put it into the key")
    elif text:
        check_address(text)
    return text


_POSTGRES = ("postgresql://", "postgres://")


class FilledStore(DescribingNode):
    """Search a vector database that is filled already: Qdrant, Chroma, pgvector, Pinecone, Astra.

    Gives a retriever, for *Search*, *Answer with sources* or an agent. The embeddings must be those
    that the collection was filled with. Scores are the database's own; for Chroma 1 minus its
    distance, for pgvector the cosine. Nothing is written. A collection of pgvector is a table with
    a column of vectors, or one of LangChain's.
    """

    kind, version = "retrieval.store", 1
    title, family, icon = "Vector store", "Retrieval", "database"
    synonyms = (
        "vector database", "qdrant", "chroma", "pinecone", "astra", "astra db", "pgvector",
        "weaviate", "rag", "existing index", "knowledge base",
    )  # fmt: skip

    class Params(NodeParams):
        store: StoreName = Field("qdrant")
        """The database."""
        collection: str = Field("documents", min_length=1, max_length=500)
        """The collection; Pinecone's index is its address."""
        url: Annotated[str, AfterValidator(_check_url)] = Field("", max_length=2000)
        """Where it is: http://127.0.0.1:6333 for your own Qdrant, the host of a Pinecone index, the
        API endpoint of Astra DB, or postgresql://reader@host/shop for pgvector."""
        folder: str = Field("", max_length=1000, widget="folder")
        """In place of url: the folder of a Qdrant database on this machine, opened in process."""
        key: SecretRef | None = Field(None, widget="secret")
        """The key, token or password of the database."""
        space: str = Field("", max_length=200)
        """Pinecone's namespace, Astra's keyspace, the name of the vector in Qdrant, or its column
        in PostgreSQL."""
        text_field: str = Field("text", min_length=1, max_length=200)
        """The field that holds the text; page_content and content are found, too."""
        k: int = Field(4, ge=1, le=1000)
        """How many texts to give at most."""
        threshold: float | None = Field(None)
        """The least score, as the database counts. Empty: all count."""
        allow_loopback: bool = Field(False)
        """Whether the address may be on this very machine."""
        seconds: float = Field(30, gt=0, le=600)
        """The longest that a search may take."""

        @model_validator(mode="after")
        def _one_place(self) -> FilledStore.Params:
            if self.url and self.folder:
                raise ValueError("give url or folder, not both")
            if self.url.startswith(_POSTGRES) != (self.store == "pgvector") and self.url:
                raise ValueError("pgvector, and nothing else, has an address postgresql://")
            if self.folder and self.store != "qdrant":
                raise ValueError("only Qdrant opens a folder; for Chroma there is Index")
            return self

    class Inputs(Ports):
        embeddings: EmbeddingsSpec = port(doc="Those that the collection was filled with.")

    class Outputs(Ports):
        retriever: StoreRetriever = port(doc="The description; a search, or an agent, opens it.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """The database and the collection."""
        return f"{params.store}: {params.collection}, {params.k} texts"

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """Describe the retriever; nobody is asked anything.

        Raises:
            NodeError: no place is named.
        """
        from patchbay.nodes.errors import NodeError

        if not params.url and not params.folder:
            raise NodeError(
                "No place of the database is named.",
                fix="Fill in the param `url`, or `folder` for Qdrant.",
                param="url",
                code="retrieval/store",
                retry=False,
            )
        return cls.Outputs(
            retriever=StoreRetriever(embeddings=inputs["embeddings"], **dict(params))
        )
