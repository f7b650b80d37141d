"""How an index is searched: every strategy, expansion and reranking, and what does not fit."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from langchain_core.retrievers import BaseRetriever
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.retrieval.index import IndexSpec
from patchbay.nodes.retrieval.index_node import Index
from patchbay.nodes.retrieval.retriever import IndexRetriever
from patchbay.nodes.retrieval.retriever_node import Retriever
from patchbay.nodes.testing import RecordingContext, ScriptedModel, run_node
from patchbay.nodes.values import Document, content_hash, decode, encode
from tests.nodes.retrieval.scripted import Letters
from tests.nodes.retrieval.small_networks import small_cross_encoder

pytestmark = pytest.mark.usefixtures("home")

TEXTS = ("aaa aaa", "aaa aaa x", "bbb cactus", "ccc", "aab")


@pytest.fixture
def index() -> IndexSpec:
    chunks = [
        Document(text=text, metadata={"source": f"{number % 2}.txt"})
        for number, text in enumerate(TEXTS)
    ]
    found = run_node(Index, {}, {"chunks": chunks, "embeddings": Letters()})["index"]
    assert isinstance(found, IndexSpec)
    return found


def described(
    index: IndexSpec, model: ScriptedModel | None = None, **params: object
) -> IndexRetriever:
    found = run_node(Retriever, params, {"index": index, "model": model})["retriever"]
    assert isinstance(found, IndexRetriever)
    return found


def search(
    index: IndexSpec, query: str, model: ScriptedModel | None = None, **params: object
) -> list[Document]:
    opened = described(index, model, **params).open(RecordingContext())
    return asyncio.run(opened.search(query))


def texts(documents: list[Document]) -> list[str]:
    return [document.text for document in documents]


def test_similarity_and_threshold(index: IndexSpec) -> None:
    found = search(index, "aaaa", k=3)
    assert texts(found) == ["aaa aaa", "aaa aaa x", "aab"]
    assert [round(d.score or 0, 1) for d in found] == [1.0, 1.0, 0.9]
    assert found[0].metadata == {"source": "0.txt"}
    assert texts(search(index, "aaaa", k=3, threshold=0.95)) == ["aaa aaa", "aaa aaa x"]
    assert search(index, "zzzz", threshold=0.9) == []


def test_mmr_takes_what_differs(index: IndexSpec) -> None:
    found = search(index, "aaaab", strategy="mmr", k=2, relevance=0.3)
    assert texts(found)[0] in ("aaa aaa", "aab")
    assert texts(found)[1] in ("bbb cactus", "ccc")


def test_bm25_finds_words(index: IndexSpec) -> None:
    found = search(index, "a Cactus?", strategy="bm25")
    assert texts(found) == ["bbb cactus"]
    assert (found[0].score or 0) > 0
    assert search(index, "unheard", strategy="bm25") == []


def test_hybrid_fuses_both(index: IndexSpec) -> None:
    found = search(index, "aaa cactus", strategy="hybrid", k=5)
    assert set(texts(found)[:2]) <= {"aaa aaa", "aaa aaa x", "bbb cactus"}
    assert (found[0].score or 1) < 1 / 30


def test_a_threshold_holds_for_what_was_found_by_words_too(index: IndexSpec) -> None:
    query = "aaaaaaa cactus"  # by its letters it is like "aaa aaa"; by its words, "bbb cactus"
    assert "bbb cactus" in texts(search(index, query, strategy="hybrid", k=5))
    opened = described(index).open(RecordingContext())
    vector = Letters().open(RecordingContext()).embed_query(query)
    alike = dict(opened.index.cosines(vector, range(len(TEXTS))))
    for least in (0.2, 0.5, 0.9, 0.99):
        found = search(index, query, strategy="hybrid", k=5, threshold=least)
        assert all(alike[TEXTS.index(text)] >= least - 1e-6 for text in texts(found))
        assert {TEXTS[n] for n, score in alike.items() if score >= least + 1e-6} <= set(
            texts(found)
        )
    assert "bbb cactus" not in texts(search(index, query, strategy="hybrid", k=5, threshold=0.9))


def test_words_that_are_alike_enough_take_the_place_of_those_that_are_not() -> None:
    chunks = [Document(text=f"aword aword bbbbbbbbbbbbbbb {n}") for n in range(250)]
    chunks.append(Document(text="aword aaa, and nothing more of it: it is so"))
    spec = run_node(Index, {}, {"chunks": chunks, "embeddings": Letters()})["index"]
    opened = described(spec, strategy="hybrid", threshold=0.5).open(RecordingContext())
    assert opened.index.by_words("aword", 1)[0][0] < 250
    vector = opened.embeddings.embed_query("aword aaa")
    assert [number for number, _ in opened._by_words("aword", vector, 3, None)] == [250]


def test_conditions_hold_for_vectors_and_for_words(index: IndexSpec) -> None:
    only = [{"field": "source", "relation": "is", "value": "1.txt"}]
    assert texts(search(index, "aaaa", k=5, conditions=only)) == ["aaa aaa x", "ccc"]
    assert texts(search(index, "aaa", strategy="bm25", conditions=only)) == ["aaa aaa x"]
    none = [{"field": "source", "relation": "is", "value": "nowhere"}]
    assert search(index, "aaaa", strategy="hybrid", conditions=none) == []


def test_hyde_looks_for_the_neighbours_of_a_passage(index: IndexSpec) -> None:
    model = ScriptedModel(lines=(("Question: what is green", "ccc ccc"),))
    assert texts(search(index, "what is green", model, k=1, expand="hyde")) == ["ccc"]
    # A search by words keeps to the words of the query.
    found = search(index, "what is green", model, k=1, expand="hyde", strategy="hybrid")
    assert texts(found) == ["ccc"]


def test_a_rewritten_query_takes_the_place_of_the_query(index: IndexSpec) -> None:
    model = ScriptedModel(lines=(("prickly", '"cactus"\nI hope it helps.'),))
    assert texts(search(index, "prickly", model, strategy="bm25", expand="rewrite")) == [
        "bbb cactus"
    ]
    silent = ScriptedModel(lines=())
    assert texts(search(index, "cactus", silent, strategy="bm25", expand="rewrite")) == [
        "bbb cactus"
    ]


def test_marks_of_a_model_put_candidates_in_order(index: IndexSpec) -> None:
    model = ScriptedModel(
        lines=(("Text: ccc", '{"mark": 9}'), ("Text: aab", "5"), ("Text", "nonsense"))
    )
    ScriptedModel.asked.clear()
    found = search(index, "aaaa", model, k=2, rerank="model", candidates=5)
    assert [(d.text, d.score) for d in found] == [("ccc", 0.9), ("aab", 0.5)]
    assert len(ScriptedModel.asked) == 5
    assert all(options["response_format"] for _, options in ScriptedModel.asked)


def test_it_opens_as_a_langchain_retriever_without_a_loop(index: IndexSpec) -> None:
    opened = described(index, k=1).open(RecordingContext())
    assert isinstance(opened, BaseRetriever)
    (found,) = opened.invoke("aaaa")
    assert (found.page_content, found.metadata["source"]) == ("aaa aaa", "0.txt")
    (again,) = asyncio.run(opened.ainvoke("aaaa"))
    assert again == found


def test_only_what_is_needed_is_opened(index: IndexSpec) -> None:
    ctx = RecordingContext()
    words = described(index, strategy="bm25")
    words.open(ctx)
    assert len(ctx.opened) == 1
    assert words.parts() == (index,)
    assert described(index).parts() == (index, Letters())
    model = ScriptedModel(lines=())
    assert described(index, model).model is None  # nothing asks it
    assert described(index, model, expand="hyde").parts() == (index, Letters(), model)


def test_a_description_is_stored_and_read_again(index: IndexSpec) -> None:
    spec = described(
        index, ScriptedModel(lines=()), expand="hyde", conditions=[{"field": "a", "value": "b"}]
    )
    types = {t.tag(): t for t in (IndexSpec, IndexRetriever, Letters, ScriptedModel)}
    assert decode(encode(spec), types) == spec
    assert content_hash(spec) != content_hash(described(index))


def test_what_does_not_fit_is_said_while_drawing(index: IndexSpec) -> None:
    with pytest.raises(NodeError) as caught:
        described(index, expand="hyde")
    assert (caught.value.code, caught.value.port) == ("retrieval/no-model", "model")
    words = index.model_copy(update={"embeddings": None})
    with pytest.raises(NodeError) as caught:
        described(words)
    assert caught.value.code == "retrieval/no-vectors"
    assert described(words, strategy="bm25").strategy == "bm25"
    for params, why in (
        ({"strategy": "bm25", "threshold": 0.5}, "a threshold is a cosine"),
        ({"strategy": "bm25", "expand": "hyde"}, "has none"),
        ({"rerank": "cross-encoder"}, "needs its name or folder"),
    ):
        with pytest.raises(ValidationError, match=why):
            Retriever.Params.model_validate(params)


@pytest.fixture
def cross_encoder(tmp_path: Path) -> Path:
    return small_cross_encoder(tmp_path / "ce")


def test_a_cross_encoder_puts_candidates_in_order(index: IndexSpec, cross_encoder: Path) -> None:
    params = {"rerank": "cross-encoder", "reranker": str(cross_encoder), "candidates": 5}
    opened = described(index, k=5, **params).open(RecordingContext())
    found = asyncio.run(opened.search("aaaa"))
    assert sorted(texts(found)) == sorted(TEXTS)
    scores = [document.score or 0.0 for document in found]
    assert scores == sorted(scores, reverse=True)
    expected = opened.scorer.score("aaaa", texts(found))
    assert scores == pytest.approx(expected, abs=1e-5)
    assert described(index, **params).memory() == 0, "it is known: its parts take it all"
    assert described(index, **params).parts()[-1].memory() > 10_000


def test_a_folder_that_is_no_cross_encoder_is_refused(index: IndexSpec, tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (tmp_path / name).write_text("{}")
    spec = described(index, rerank="cross-encoder", reranker=str(tmp_path))
    with pytest.raises(NodeError, match="does not load"):
        spec.open(RecordingContext())
