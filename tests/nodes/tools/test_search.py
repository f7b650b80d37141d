"""A retriever as a tool."""

from __future__ import annotations

from typing import Any, ClassVar

from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.testing import RecordingContext
from patchbay.nodes.tools.search import SearchAsTool
from patchbay.nodes.values import ModelSpec, Opening, RetrieverSpec
from tests.nodes.tools.kit import tool_of


class Shelf(RetrieverSpec):
    """Finds the texts that share a word with the query."""

    backend: ClassVar[str] = "shelf"

    texts: tuple[str, ...]
    rewriter: ModelSpec | None = None

    def open(self, opening: Opening) -> Any:
        from langchain_core.documents import Document
        from langchain_core.retrievers import BaseRetriever

        texts = self.texts

        class Retriever(BaseRetriever):
            def _get_relevant_documents(self, query: str, **kwargs: Any) -> list[Document]:
                wanted = set(query.lower().split())
                return [
                    Document(text, metadata={"source": f"{place}.txt"})
                    for place, text in enumerate(texts)
                    if wanted & set(text.lower().split())
                ]

        return Retriever()


async def test_an_agent_reads_passages_with_their_sources():
    shelf = Shelf(texts=("a red fox", "a blue whale", "x" * 2000))
    tool = tool_of(SearchAsTool, {"characters": 50}, retriever=shelf)
    opening = RecordingContext()
    opened = tool.open(opening)
    assert len(opening.opened) == 1  # the retriever comes from the pool
    assert await opened.ainvoke({"query": "red whale"}) == (
        "[1] (0.txt) a red fox\n\n[2] (1.txt) a blue whale"
    )
    assert await opened.ainvoke({"query": "green"}) == "Nothing was found."
    assert (await opened.ainvoke({"query": "x" * 2000})).endswith("(cut: 2,000 characters in all)")


def test_it_repeats_itself_unless_a_model_that_samples_writes_the_queries():
    for model, repeats in ((None, True), (GgufModel(temperature=0), True), (GgufModel(), False)):
        shelf = Shelf(texts=("a",), rewriter=model)
        assert tool_of(SearchAsTool, retriever=shelf).repeatable is repeats  # type: ignore[attr-defined]
