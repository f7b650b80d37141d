"""Ratings: agreement against the papers' examples, what is kept, and preferences of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.experiments.agreement import cohen, fleiss, in_words, krippendorff
from patchbay.flows.experiments.keeping import KeptCells
from patchbay.flows.experiments.ratings import (
    Rating,
    Ratings,
    agreement_of,
    judged_rows,
    preference_rows,
    scale_rows,
)
from patchbay.nodes.testing import run_node
from patchbay.nodes.training.preference_data import PreferenceDataNode


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))


NONE = None
PAPER = [  # Krippendorff 2011, example C and D: four observers, twelve units, values missing
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NONE, NONE, NONE],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NONE, 3],
    [NONE, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NONE],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NONE],
]


def units(rows: list[list[Any]]) -> list[dict[str, Any]]:
    return [
        {str(rater): row[unit] for rater, row in enumerate(rows) if row[unit] is not None}
        for unit in range(len(rows[0]))
    ]


def test_alpha_is_that_of_the_paper() -> None:
    said = units(PAPER)
    assert krippendorff(said, "nominal") == pytest.approx(0.743, abs=5e-4)
    assert krippendorff(said, "ordinal") == pytest.approx(0.815, abs=5e-4)
    assert krippendorff(said, "interval") == pytest.approx(0.849, abs=5e-4)


def test_kappas_are_those_of_their_examples() -> None:
    # Fifty applications, read by two: 20 times both yes, 15 times both no, 5 and 10 apart.
    both = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    assert cohen([{"a": a, "b": b} for a, b in both], "a", "b") == pytest.approx(0.4)
    # Fourteen raters, ten subjects, five categories.
    counts = [
        (0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1),
        (7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7),
    ]  # fmt: skip
    said = []
    for row in counts:
        words = [word for word, count in enumerate(row) for _ in range(count)]
        said.append({str(n): word for n, word in enumerate(words)})
    assert fleiss(said) == pytest.approx(0.210, abs=5e-4)


def test_what_cannot_be_compared_is_nothing() -> None:
    assert krippendorff([]) is None
    assert krippendorff([{"a": 1}, {"b": 2}]) is None
    assert krippendorff([{"a": 1, "b": 1}]) is None  # one word only: chance is perfect too
    assert krippendorff([{"a": 1, "b": 1}, {"a": 2, "b": 2}]) == 1
    assert krippendorff([{"a": 1, "b": 2}, {"a": 2, "b": 1}]) < 0  # type: ignore[operator]
    assert cohen([{"a": 1}], "a", "b") is None
    assert fleiss([{"a": 1, "b": 2}, {"a": 1}]) is None
    assert [in_words(x) for x in (None, 0.9, 0.7, 0.2, -0.1)] == [
        "nothing to compare yet", "reliable", "tentative", "unreliable", "worse than chance",
    ]  # fmt: skip


def pair(prompt: str, rater: str, *said: int, answers: tuple[str, str] = ("A", "B")) -> Rating:
    return Rating("pair", prompt, answers, said, rater)


def test_ratings_are_kept_and_the_last_counts() -> None:
    kept = KeptCells("rated")
    ratings = Ratings(kept)
    assert ratings.all() == []
    for one in (pair("p", "ada", 0), pair("p", "bob", 1), pair("p", "ada", 1)):
        ratings.add(one)
    with (kept.folder / "ratings.jsonl").open("a") as file:
        file.write('{"form": "pair", "cut of')
    assert {one.rater: one.said for one in Ratings(kept).all()} == {"ada": (1,), "bob": (1,)}
    ratings.add(pair("p", "eve", 0))  # behind the line that was cut off, not on it
    ratings.add(pair("p", "bob", 0))
    assert {one.rater: one.said for one in Ratings(kept).all()} == {
        "ada": (1,), "bob": (0,), "eve": (0,),
    }  # fmt: skip


def test_preferences_are_what_most_say() -> None:
    ratings = [
        pair("one", "ada", 0), pair("one", "bob", 0), pair("one", "eve", 1),
        pair("draw", "ada", 0), pair("draw", "bob", 1), pair("tie", "ada"),
        Rating("ranking", "many", ("x", "y", "z"), (2, 0, 1), "ada"),
        pair("same", "ada", 0, answers=("A", "A")),
    ]  # fmt: skip
    rows = preference_rows(ratings)
    assert rows == [
        {"prompt": "one", "chosen": "A", "rejected": "B"},
        {"prompt": "many", "chosen": "z", "rejected": "x"},
        {"prompt": "many", "chosen": "z", "rejected": "y"},
        {"prompt": "many", "chosen": "x", "rejected": "y"},
    ]
    made = run_node(PreferenceDataNode, {"held_out": 0}, {"source": rows})
    assert made["data"].rows == 4


def test_a_scale_becomes_ratings_of_preference_data() -> None:
    ratings = [
        Rating("scale", "p", (answer,), (number,), rater)
        for answer, numbers in (("good", (5, 4)), ("bad", (1, 2)))
        for number, rater in zip(numbers, ("ada", "bob"), strict=True)
    ]
    rows = scale_rows(ratings)
    made = run_node(PreferenceDataNode, {"form": "ratings", "held_out": 0}, {"source": rows})
    (row,) = made["data"].read()
    assert "good" in str(row["chosen"])
    found = agreement_of(ratings, "scale")
    assert found["raters"] == ["ada", "bob"]
    assert found["items"] == 2
    assert found["alpha"] > 0.5


def test_agreement_of_rankings_is_over_every_two_answers() -> None:
    ratings = [
        Rating("ranking", "p", ("x", "y", "z"), (0, 1, 2), "ada"),
        Rating("ranking", "p", ("x", "y", "z"), (0, 2, 1), "bob"),
    ]
    found = agreement_of(ratings, "ranking")
    assert found["items"] == 3
    assert agreement_of(ratings, "pair")["alpha"] is None


def test_a_judge_makes_preferences() -> None:
    said = [{"prompt": "p", "first": "A", "other": "B", "score": s} for s in (1, 0, 0.5)]
    assert judged_rows(said) == [
        {"prompt": "p", "chosen": "B", "rejected": "A"},
        {"prompt": "p", "chosen": "A", "rejected": "B"},
    ]
