"""Facts are found by meaning or by words, best first."""

from __future__ import annotations

from patchbay.nodes.testing import RecordingContext
from tests.nodes.memory.colours import Colours, found, kept


def test_facts_are_found_by_meaning_best_first() -> None:
    ctx = RecordingContext()
    kept(ctx, Colours())
    assert found(ctx, "blue?", Colours(), k=2) == [
        ("The sea is blue.", 1.0), ("Blood is red, the sky blue.", 0.7071),
    ]  # fmt: skip
    assert found(ctx, "blue?", Colours(), least=0.9) == [("The sea is blue.", 1.0)]


def test_facts_of_other_embeddings_or_none_are_compared_all_the_same() -> None:
    ctx = RecordingContext()
    kept(ctx, None)
    assert found(ctx, "green", Colours(name="two"), k=1) == [("Grass is green.", 1.0)]


def test_without_embeddings_words_are_compared() -> None:
    ctx = RecordingContext()
    kept(ctx, None)
    assert found(ctx, "GRASS, what is it?") == [
        ("Grass is green.", 0.5), ("The sea is blue.", 0.25), ("Blood is red, the sky blue.", 0.25),
    ]  # fmt: skip
    assert found(ctx, "elephants") == []
    assert found(ctx, "  ") == []
