"""The node `retrieval.retriever`: how an index is searched."""

from __future__ import annotations

from pydantic import model_validator

from patchbay.nodes.contract import UNSET, DescribingNode, Field, NodeError, NodeParams, Ports, port
from patchbay.nodes.names import OwnWeights
from patchbay.nodes.retrieval.filters import MetadataFilter
from patchbay.nodes.retrieval.index import IndexSpec
from patchbay.nodes.retrieval.reranker import CrossEncoderModel
from patchbay.nodes.retrieval.retriever import Expansion, IndexRetriever, Reranking, Strategy
from patchbay.nodes.values import ModelSpec


class Retriever(DescribingNode):
    """Says how an index is searched; "Search" and agents then do it.

    **similarity**: the nearest vectors, by cosine. **mmr**: near vectors that differ from each
    other (maximal marginal relevance, Carbonell & Goldstein 1998). **bm25**: shared words, rare
    ones counting more (Robertson & Zaragoza 2009). **hybrid**: vectors and words, fused by
    reciprocal rank (Cormack et al. 2009).

    A wired model may first write a better query (**rewrite**, Ma et al. 2023) or a text that could
    hold the answer, whose neighbours are then looked for (**hyde**, Gao et al. 2022). At last the
    candidates may be put into a better order, by marks of that model (Zhuang et al. 2023) or by a
    cross-encoder that reads query and text together (Nogueira & Cho 2019).
    """

    kind, version = "retrieval.retriever", 1
    value_types = (CrossEncoderModel,)
    title, family, icon = "Retriever", "Retrieval", "search"
    front = ("strategy", "k")
    synonyms = ("rag", "rerank", "hybrid", "mmr", "multi-query", "vector search")
    requires = ("chromadb", "bm25s")

    class Params(NodeParams):
        strategy: Strategy = Field("similarity")
        """How chunks are found."""
        k: int = Field(4, ge=1, le=100)
        """How many chunks to give at most."""
        threshold: float | None = Field(None, ge=-1, le=1)
        """The least cosine to the query. What is less alike is left out; in a hybrid search also
        what was found by its words. Empty: all count."""
        relevance: float = Field(0.5, ge=0, le=1, widget="slider")
        """For mmr: 1 takes the nearest, 0 only looks for difference."""
        candidates: int = Field(20, ge=1, le=1000)
        """For mmr, hybrid and reranking: how many chunks the best are taken from."""
        conditions: list[MetadataFilter] = Field([], max_length=20)
        """What the metadata of a chunk must say, such as source like *.pdf; all must hold."""
        expand: Expansion = Field("none")
        """What the wired model makes of a query before the search."""
        rerank: Reranking = Field("none")
        """What puts the candidates into a better order."""
        reranker: OwnWeights = Field("", max_length=1000)
        """The cross-encoder: hf:owner/repo, or the path of a folder with safetensors."""

        @model_validator(mode="after")
        def _fits(self) -> Retriever.Params:
            if self.threshold is not None and self.strategy == "bm25":
                raise ValueError("a threshold is a cosine; a search by words (bm25) has none")
            if self.expand == "hyde" and self.strategy == "bm25":
                raise ValueError("hyde looks for neighbours of a text; a search by words has none")
            if self.rerank == "cross-encoder" and not self.reranker.strip():
                raise ValueError("reranking by a cross-encoder needs its name or folder")
            return self

        @property
        def asks(self) -> str:
            """What a model is needed for, or an empty text."""
            needs: list[str] = [] if self.expand == "none" else [self.expand]
            needs += ["reranking"] if self.rerank == "model" else []
            return " and ".join(needs)

    class Inputs(Ports):
        index: IndexSpec = port(doc="What to search in.")
        model: ModelSpec | None = port(None, doc="Rewrites queries, or marks what was found.")

    class Outputs(Ports):
        retriever: IndexRetriever = port(doc="The description; a search, or an agent, opens it.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """The strategy and what comes around it."""
        parts = [params.strategy, f"{params.k} chunks"]
        parts += [params.expand] if params.expand != "none" else []
        parts += ["reranked"] if params.rerank != "none" else []
        return " · ".join(parts)

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs | None:
        """Describe the retriever; the index is not opened."""
        model = None if inputs["model"] is UNSET else inputs["model"]
        if params.asks and inputs["model"] is None:
            raise NodeError(
                f'Nothing is wired into "model", but {params.asks} needs a chat model.',
                fix="Wire a model, or switch it off.",
                port="model",
                code="retrieval/no-model",
                retry=False,
            )
        index = inputs["index"]
        if not isinstance(index, IndexSpec):
            return None
        if params.strategy != "bm25" and index.embeddings is None:
            raise NodeError(
                f"The strategy {params.strategy} needs vectors, but the index was made without "
                "embeddings.",
                fix="Wire embeddings into the index, or choose bm25.",
                port="index",
                code="retrieval/no-vectors",
                retry=False,
            )
        fields = params.model_dump(exclude={"conditions"})
        used = model if params.asks else None
        return cls.Outputs(
            retriever=IndexRetriever(
                index=index, model=used, conditions=tuple(params.conditions), **fields
            )
        )
