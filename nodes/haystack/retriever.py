"""The node `haystack.retriever`: retrievers and rankers of Haystack behind the port of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import AfterValidator, JsonValue

from patchbay.nodes.contract import DescribingNode, Field, NodeError, NodeParams, Ports, port
from patchbay.nodes.haystack.example import RETRIEVER
from patchbay.nodes.haystack.open_sockets import open_sockets
from patchbay.nodes.haystack.plan import read_plan
from patchbay.nodes.retrieval.index import IndexSpec
from patchbay.nodes.values import EmbeddingsSpec, Opening, RetrieverSpec

if TYPE_CHECKING:
    from langchain_core.retrievers import BaseRetriever


def check_retriever(text: str) -> str:
    """A pipeline that finds documents for a query, for use as a validator.

    Raises:
        ValueError: it cannot be built, or takes or gives something else.
    """
    plan = read_plan(text)
    found = open_sockets(plan)
    if asking := [part.name for part in plan.parts.values() if part.asks]:
        raise ValueError(f"{asking[0]} asks a chat model; use a Haystack pipeline node for that")
    if len(found.needs) != 1:
        names = ", ".join(found.needs) or "nothing"
        raise ValueError(f"a retriever takes one query; this pipeline takes {names}")
    kinds = [plan.parts[part].gives[socket] for part, socket in found.gives.values()]
    if kinds.count(("list", ("Document",))) != 1:
        raise ValueError("a retriever gives documents once; see what is left open at its end")
    if not found.filled:
        raise ValueError("a retriever searches a document store; this pipeline has none to fill")
    return text


class HaystackRetrieverSpec(RetrieverSpec):
    """A pipeline of Haystack that finds documents, over the chunks of an index."""

    backend: ClassVar[str] = "haystack"

    pipeline: str
    index: IndexSpec
    embeddings: EmbeddingsSpec | None = None

    def content_key(self) -> JsonValue:
        """The pipeline and what it searches."""
        parts = {"index": self.index.content_key(), "pipeline": self.pipeline}
        embeddings = None if self.embeddings is None else self.embeddings.content_key()
        return {"$type": self.tag(), **parts, "embeddings": embeddings}

    def open(self, opening: Opening) -> BaseRetriever:
        """Build the pipeline and fill its document stores.

        Raises:
            NodeError: the index is gone, or Haystack refuses the pipeline.
        """
        from patchbay.nodes.haystack.setup import prepare

        prepare()
        from patchbay.nodes.haystack.open_retriever import open_pipeline

        index = opening.open(self.index)
        embeddings = None if self.embeddings is None else opening.open(self.embeddings)
        return open_pipeline(self.pipeline, index.documents, embeddings)


class HaystackRetriever(DescribingNode):
    """Search the chunks of an index with retrievers, rankers and joiners of Haystack.

    The pipeline takes a query and gives documents; *Search*, agents and *Answer with sources* use
    it like any retriever. Its document stores are filled with the chunks of the index, with
    vectors where embeddings are wired in.
    """

    kind, version = "haystack.retriever", 1
    title, family, icon = "Haystack retriever", "Systems", "search"
    synonyms = ("haystack", "deepset", "ranker", "reranker", "bm25", "rag")
    requires = ("haystack",)

    class Params(NodeParams):
        pipeline: Annotated[str, AfterValidator(check_retriever)] = Field(
            RETRIEVER, widget="code", max_length=1_000_000
        )
        """The pipeline in YAML, from a query to documents."""

    class Inputs(Ports):
        index: IndexSpec = port(doc="Whose chunks are searched.")
        embeddings: EmbeddingsSpec | None = port(None, doc="For retrievers by vectors.")

    class Outputs(Ports):
        retriever: HaystackRetrieverSpec = port(doc="The description; a search opens it.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """Its components."""
        return " → ".join(read_plan(params.pipeline).parts)

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs | None:
        """Describe the retriever; nothing is built."""
        index, embeddings = inputs["index"], inputs["embeddings"]
        if not isinstance(index, IndexSpec):
            return None
        used = embeddings if isinstance(embeddings, EmbeddingsSpec) else None
        if open_sockets(read_plan(params.pipeline)).embeds and embeddings is None:
            raise NodeError(
                "The pipeline searches by vectors, and no embeddings are wired in.",
                fix="Wire embeddings.",
                port="embeddings",
                code="retrieval/no-vectors",
                retry=False,
            )
        return cls.Outputs(
            retriever=HaystackRetrieverSpec(pipeline=params.pipeline, index=index, embeddings=used)
        )
