"""Orders of hits, by hand-computed cases."""

from __future__ import annotations

from patchbay.nodes.retrieval.filters import MetadataFilter, matches
from patchbay.nodes.retrieval.questions import first_line, read_mark
from patchbay.nodes.retrieval.ranking import diverse, fuse


def test_reciprocal_rank_fusion() -> None:
    fused = fuse([[(1, 0.9), (2, 0.8)], [(2, 7.0), (3, 5.0)]])
    assert [number for number, _ in fused] == [2, 1, 3]
    assert fused[0][1] == 1 / 62 + 1 / 61
    assert fuse([[], []]) == []
    assert fuse([[(5, 1.0)], [(4, 1.0)]]) == [(4, 1 / 61), (5, 1 / 61)]  # a tie: by number


def test_maximal_marginal_relevance() -> None:
    import numpy as np

    vectors = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    hits = [(10, 0.9), (11, 0.89), (12, 0.5)]
    assert [n for n, _ in diverse(hits, vectors, 2, relevance=0.5)] == [10, 12]
    assert [n for n, _ in diverse(hits, vectors, 2, relevance=1.0)] == [10, 11]
    assert diverse(hits, vectors, 9, relevance=0.5)[-1] == (11, 0.89)


def test_conditions() -> None:
    chunk = {"source": "Notes/Bees.md", "page": 12, "date": "2025-03-01", "tags": ["a", "b"]}

    def holds(field: str, relation: str, value: str) -> bool:
        condition = MetadataFilter(field=field, relation=relation, value=value)  # type: ignore[arg-type]
        return matches(chunk, [condition])

    assert holds("page", "is", "12")
    assert not holds("page", "is", "1")
    assert holds("page", "at least", "9")  # as numbers, not as texts
    assert not holds("page", "at most", "9")
    assert holds("date", "at least", "2025-01-31")
    assert holds("source", "like", "notes/*.md")
    assert holds("source", "contains", "bees")
    assert holds("tags", "contains", '"a"')
    assert holds("missing", "is not", "x")
    assert not holds("missing", "at least", "0")
    both = [MetadataFilter(field="page", value="12"), MetadataFilter(field="source", value="x")]
    assert not matches(chunk, both)
    assert matches(chunk, [])


def test_marks_and_queries_out_of_what_a_model_wrote() -> None:
    assert read_mark('{"mark": 7}') == 0.7
    assert read_mark("I give it 8 of 10.") == 0.8
    assert read_mark('{"mark": 70}') == 1.0
    assert read_mark("no idea") is None
    assert read_mark('{"mark": true}') is None
    assert first_line('\n "harbour opening hours"\nBecause…') == "harbour opening hours"
    assert first_line(" \n") == ""
