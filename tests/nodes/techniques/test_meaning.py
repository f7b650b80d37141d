"""Answers in groups of one meaning, by vectors that a test can read."""

from __future__ import annotations

import math

import pytest

from patchbay.nodes.retrieval.local_embeddings import LocalEmbeddings
from patchbay.nodes.techniques.meaning import ComparedParams, Meanings, counted
from patchbay.nodes.testing import RecordingContext


def at(angle: float) -> list[float]:
    return [math.cos(math.radians(angle)), math.sin(math.radians(angle))]


def count(angles: dict[str, float], answers: list[str | None], least: float = 0.9) -> Meanings:
    return counted(answers, {text: at(angle) for text, angle in angles.items()}, least)


def test_the_answer_most_like_the_others_speaks_for_its_group() -> None:
    angles = {"a": 0, "b": 10, "c": 20, "d": 90}
    found = count(angles, ["a", "d", "b", None, "c"])
    assert found.groups == (0, 1, 0, None, 0)
    assert found.vote.winner == "b"
    assert found.vote.counts == (("b", 3), ("d", 1))
    assert (found.vote.agreement, found.vote.missing) == (0.6, 1)
    assert found.likeness == (0.985, 0.174, 1.0, None, 0.985)


def test_each_is_like_each_in_a_group() -> None:
    """A chain, in which neighbours are alike, does not join its ends."""
    found = count({"a": 0, "b": 20, "c": 40, "d": 60}, ["a", "b", "c", "d"])
    assert len(set(found.groups)) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Penguins can fly.", "Penguins cannot fly."),
        ("It is safe", "It isn't safe"),
        ("It is 7 km", "It is 8 km"),
        ("yes", "no"),
    ],
)
def test_numbers_and_denials_part_what_vectors_do_not(one: str, other: str) -> None:
    assert len(set(count({one: 0, other: 0}, [one, other]).groups)) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("It is 1,000 km", "1000 km it is"),
        ("It is 5.00", "5 it is"),
        ("It is 1,234,567.50", "1234567.5"),
        ("In 2020, not 2021", "not in 2021 but 2020"),
    ],
)
def test_a_number_is_one_however_it_is_written(one: str, other: str) -> None:
    assert len(set(count({one: 0, other: 0}, [one, other]).groups)) == 1


def test_the_same_words_are_one_answer_whatever_the_threshold() -> None:
    found = count({"Paris": 0, "paris.": 30}, ["Paris", "paris.", "Paris"], least=1.0)
    assert found.vote.counts == (("Paris", 3),)


def test_no_answers() -> None:
    assert count({}, [None, None]).vote.winner is None
    assert count({}, []).vote.agreement == 0


def test_the_default_threshold_with_the_local_embeddings() -> None:
    answers = ["Paris", "It is Paris.", "The capital of France is Paris.", "Lyon", "London"]
    embeddings = LocalEmbeddings().open(RecordingContext())
    vectors = dict(zip(answers, embeddings.embed_documents(answers), strict=True))
    found = counted(answers, vectors, ComparedParams().threshold)
    assert found.groups == (0, 0, 0, 1, 2)
    assert found.vote.agreement == 0.6
