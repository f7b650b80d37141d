"""Searching: what is found, by which retriever, and what a model in it costs."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.retrieval.index_node import Index
from patchbay.nodes.retrieval.retriever import IndexRetriever
from patchbay.nodes.retrieval.retriever_node import Retriever
from patchbay.nodes.retrieval.search import Search
from patchbay.nodes.testing import RecordingContext, ScriptedModel, run_node
from patchbay.nodes.values import Document, Opening, RetrieverSpec

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def retriever() -> IndexRetriever:
    chunks = [Document(text="red fox", metadata={"source": "a"}), Document(text="busy bee")]
    index = run_node(Index, {}, {"chunks": chunks})["index"]
    spec = run_node(Retriever, {"strategy": "bm25"}, {"index": index})["retriever"]
    assert isinstance(spec, IndexRetriever)
    return spec


def test_documents_with_scores_and_sources(retriever: IndexRetriever) -> None:
    (found,) = run_node(Search, {}, {"retriever": retriever, "query": "the fox"})["documents"]
    assert (found.text, found.metadata, found.score > 0) == ("red fox", {"source": "a"}, True)


def test_nothing_found_is_said_and_is_no_error(retriever: IndexRetriever) -> None:
    ctx = RecordingContext()
    assert run_node(Search, {}, {"retriever": retriever, "query": "owl"}, ctx)["documents"] == []
    assert ctx.warnings == ["Nothing was found."]


def test_the_model_is_asked_through_the_node(retriever: IndexRetriever) -> None:
    model = ScriptedModel(lines=(("insect", "bee"),))
    spec = retriever.model_copy(update={"expand": "rewrite", "model": model})
    ScriptedModel.asked.clear()
    found = run_node(Search, {}, {"retriever": spec, "query": "insect"})["documents"]
    assert [d.text for d in found] == ["busy bee"]
    assert ScriptedModel.asked[0][1]["temperature"] == 0


def test_an_empty_query(retriever: IndexRetriever) -> None:
    with pytest.raises(NodeError) as caught:
        run_node(Search, {}, {"retriever": retriever, "query": " \n"})
    assert caught.value.code == "retrieval/empty-query"


class Foreign(RetrieverSpec):
    """A retriever of somebody else."""

    backend: ClassVar[str] = "foreign"

    def open(self, opening: Opening) -> Any:
        from langchain_core.documents import Document as Found
        from langchain_core.runnables import RunnableLambda

        return RunnableLambda(
            lambda query: [Found(page_content=f"about {query}", metadata={"score": 0.5, "page": 1})]
        )


def test_retrievers_of_plugins_work_as_well(retriever: IndexRetriever) -> None:
    found = run_node(Search, {}, {"retriever": Foreign(), "query": "x"})["documents"]
    assert found == [Document(text="about x", metadata={"page": 1}, score=0.5)]
    ports = Search.Inputs(retriever=Foreign(), query="x")
    assert not Search.repeatable(Search.Params(), ports)
    assert Search.repeatable(Search.Params(), Search.Inputs(retriever=retriever, query="x"))
