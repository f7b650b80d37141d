"""The node `haystack.retriever`: retrievers and rankers of Haystack behind the port of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.haystack.retriever import HaystackRetriever
from patchbay.nodes.retrieval.index_node import Index
from patchbay.nodes.retrieval.search import Search
from patchbay.nodes.testing import run_node
from patchbay.nodes.values import Document, RetrieverSpec, port_type
from tests.nodes.haystack.pipelines import RAG
from tests.nodes.retrieval.scripted import Letters

CHUNKS = [Document(text=f"{word} lives here", metadata={"source": word}) for word in
          ("Jean", "Mark", "Ann", "Zoe")]  # fmt: skip
HYBRID = """
components:
  embed: {type: a.SentenceTransformersTextEmbedder}
  near:
    type: a.InMemoryEmbeddingRetriever
    init_parameters: {top_k: 2, document_store: {type: b.InMemoryDocumentStore}}
  words:
    type: a.InMemoryBM25Retriever
    init_parameters: {top_k: 2, document_store: {type: b.InMemoryDocumentStore}}
  join:
    type: a.DocumentJoiner
    init_parameters: {join_mode: reciprocal_rank_fusion, top_k: 3}
connections:
  - {sender: embed.embedding, receiver: near.query_embedding}
  - {sender: near.documents, receiver: join.documents}
  - {sender: words.documents, receiver: join.documents}
inputs:
  query: [embed.text, words.query]
"""


@pytest.fixture
def index(home: Path) -> Any:
    return run_node(Index, {}, {"chunks": CHUNKS, "embeddings": Letters()})["index"]


def test_it_goes_wherever_a_retriever_goes(index: Any) -> None:
    retriever = run_node(HaystackRetriever, {}, {"index": index})["retriever"]
    assert port_type(RetrieverSpec).accepts(retriever)
    found = run_node(Search, {}, {"retriever": retriever, "query": "Where is Ann?"})["documents"]
    assert found[0].text == "Ann lives here"
    assert found[0].metadata["source"] == "Ann"
    assert found[0].score is not None


def test_words_and_vectors_are_joined_by_haystack(index: Any) -> None:
    given = {"index": index, "embeddings": Letters()}
    retriever = run_node(HaystackRetriever, {"pipeline": HYBRID}, given)["retriever"]
    found = run_node(Search, {}, {"retriever": retriever, "query": "Zoe"})["documents"]
    assert found[0].metadata["source"] == "Zoe"
    assert {found[1].metadata["source"]} <= {"Jean", "Mark", "Ann"}  # by its letters


def test_vectors_need_embeddings(index: Any) -> None:
    with pytest.raises(NodeError, match="no embeddings are wired in"):
        run_node(HaystackRetriever, {"pipeline": HYBRID}, {"index": index})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (RAG, "llm asks a chat model"),
        ("components: {c: {type: a.DocumentCleaner}}", "has none to fill"),
        ("components: {p: {type: a.PromptBuilder, init_parameters: {template: '{{ a }}{{ b }}'}}}",
         "takes one query; this pipeline takes a, b"),
        ("components: {p: {type: a.PromptBuilder, init_parameters: {template: '{{ a }}'}}}",
         "gives documents once"),
    ],
)  # fmt: skip
def test_a_pipeline_that_is_no_retriever_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        HaystackRetriever.Params(pipeline=text)
