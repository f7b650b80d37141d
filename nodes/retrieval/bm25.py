"""Search by words: BM25 (Robertson & Zaragoza 2009, "The Probabilistic Relevance Framework").

Computed by BM25S (Lù 2024, arXiv:2407.03618), in the form that Lucene uses, whose weights are never
negative. What a word is in which script says `patchbay.nodes.text.words`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from patchbay.nodes.text.words import asked, indexed


def write_words(folder: Path, texts: Sequence[str]) -> None:
    """Count the words of texts, and store the counts in a folder."""
    import bm25s

    words = [indexed(text) for text in texts]
    folder.mkdir()
    if not any(words):
        return  # nothing but signs: nothing will ever be found
    index = bm25s.BM25(method="lucene")
    index.index(words, show_progress=False)
    index.save(folder, show_progress=False)


class Words:
    """The words of an index, open for search."""

    def __init__(self, folder: Path) -> None:
        import bm25s

        empty = not any(folder.iterdir())
        self._index: Any = None if empty else bm25s.BM25.load(folder, load_corpus=False)

    def search(
        self, query: str, most: int, among: Collection[int] | None = None
    ) -> list[tuple[int, float]]:
        """The best texts by number, with their scores. Texts without a word of the query are out.

        Args:
            query: what to look for.
            most: how many to give at most.
            among: the numbers of the texts to look at; all unless given.
        """
        import numpy as np

        if self._index is None:
            return []
        words = [word for word in asked(query) if word in self._index.vocab_dict]
        if not words:
            return []
        scores = self._index.get_scores(words)
        if among is not None:
            allowed = np.zeros(len(scores), dtype=bool)
            allowed[list(among)] = True
            scores = np.where(allowed, scores, 0.0)
        # A stable sort: of equal scores the earlier text comes first, in every run.
        best = np.argsort(-scores, kind="stable")[:most]
        return [(int(i), float(scores[i])) for i in best if scores[i] > 0]
