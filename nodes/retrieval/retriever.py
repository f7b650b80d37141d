"""The description of a retriever: how an index is searched."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from patchbay.nodes.retrieval.filters import MetadataFilter
from patchbay.nodes.retrieval.index import IndexSpec
from patchbay.nodes.retrieval.reranker import CrossEncoderModel
from patchbay.nodes.values import ModelSpec, Opening, RetrieverSpec, Spec

if TYPE_CHECKING:
    from patchbay.nodes.retrieval.open_retriever import OpenRetriever

Strategy = Literal["similarity", "mmr", "bm25", "hybrid"]
Expansion = Literal["none", "rewrite", "hyde"]
Reranking = Literal["none", "model", "cross-encoder"]


class IndexRetriever(RetrieverSpec):
    """Finds the chunks of an index that belong to a query. See the node for what each field does.

    `candidates` is how many chunks are looked at before diversity, fusion and reranking narrow them
    down to `k`; `relevance` is the λ of maximal marginal relevance.
    """

    backend: ClassVar[str] = "index"

    index: IndexSpec
    strategy: Strategy = "similarity"
    k: int = Field(4, ge=1, le=100)
    threshold: float | None = Field(None, ge=-1, le=1)
    relevance: float = Field(0.5, ge=0, le=1)
    candidates: int = Field(20, ge=1, le=1000)
    conditions: tuple[MetadataFilter, ...] = ()
    expand: Expansion = "none"
    rerank: Reranking = "none"
    reranker: str = ""
    model: ModelSpec | None = None

    @property
    def by_vector(self) -> bool:
        """Whether the strategy needs the vector of the query."""
        return self.strategy != "bm25"

    def parts(self) -> tuple[Spec, ...]:
        """The index, and what the strategy needs besides it."""
        embeddings = self.index.embeddings if self.by_vector else None
        parts = (self.index, embeddings, self.model, self.scores)
        return tuple(part for part in parts if part is not None)

    def memory(self) -> int:
        """Nothing itself; its parts do."""
        return 0

    @property
    def scores(self) -> CrossEncoderModel | None:
        """The cross-encoder, where there is one."""
        wanted = self.rerank == "cross-encoder"
        return CrossEncoderModel(weights=self.reranker) if wanted else None

    def open(self, opening: Opening) -> OpenRetriever:
        """Open the index, and with it the embeddings, model and cross-encoder that are needed.

        Raises:
            NodeError: one of them cannot be opened.
        """
        from patchbay.nodes.retrieval.open_retriever import OpenRetriever

        embeddings = self.index.embeddings if self.by_vector else None
        return OpenRetriever(
            spec=self,
            index=opening.open(self.index),
            embeddings=None if embeddings is None else opening.open(embeddings),
            chat=None if self.model is None else opening.open(self.model),
            scorer=None if self.scores is None else opening.open(self.scores),
        )
