"""The node `retrieval.search`: find the chunks that belong to a query."""

from __future__ import annotations

from typing import Any

from patchbay.nodes.calls import CallOptions
from patchbay.nodes.contract import Context, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.models.asking import ask
from patchbay.nodes.retrieval.as_documents import document_from_langchain
from patchbay.nodes.retrieval.retriever import IndexRetriever
from patchbay.nodes.values import Document, Message, ModelSpec, RetrieverSpec


class Search(Node):
    """Find the documents that belong to a query, the best first, with scores and sources.

    The score says how well a document matches, in the measure of the retriever's strategy: a
    cosine, a BM25 score, fused ranks, or the mark of the reranker. Nothing found is no error: the
    list is then empty.
    """

    kind, version = "retrieval.search", 1
    title, family, icon = "Search", "Retrieval", "search"
    synonyms = ("rag", "find", "query", "similarity search", "look up")

    class Params(NodeParams):
        """No params."""

    class Inputs(Ports):
        retriever: RetrieverSpec = port(doc="How, and in what, to search.")
        query: str = port(doc="What to look for.")

    class Outputs(Ports):
        documents: list[Document] = port(doc="What was found.")

    @classmethod
    def repeatable(cls, params: Params, inputs: Ports) -> bool:
        """Whether the same would be found again: a model in it is asked at temperature 0."""
        return isinstance(inputs["retriever"], IndexRetriever)

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        query = inputs.query.strip()
        if not query:
            raise NodeError(
                "The query is empty.",
                fix="Wire a text into the query.",
                port="query",
                code="retrieval/empty-query",
                retry=False,
            )
        spec = inputs.retriever
        async with ctx.use(spec, slot=False) as retriever:
            if isinstance(spec, IndexRetriever):
                documents = await retriever.search(query, _asker(ctx, spec.model))
            else:
                documents = [
                    document_from_langchain(found) for found in await retriever.ainvoke(query)
                ]
        if not documents:
            await ctx.warn("Nothing was found.")
        return self.Outputs(documents=documents)


def _asker(ctx: Context, model: ModelSpec | None) -> Any:
    async def answer(messages: list[Message], **call_options: Any) -> str:
        assert model is not None  # noqa: S101 - the retriever's node saw to it
        return (await ask(ctx, model, messages, CallOptions(**call_options), port=None)).text

    return answer
