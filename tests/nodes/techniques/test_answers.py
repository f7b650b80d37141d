"""The final answer in a text, and votes."""

from __future__ import annotations

import pytest

from patchbay.nodes.techniques.answers import AnswerKind, final_answer, first_choice, same, vote


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("3 * 4 = 12, minus 5 is 7. The answer is 7.", "7"),
        ("The answer is 12. No: the answer is 7 rolls, not 9.", "7"),
        ("So there are 12 - 5 = 7 left", "7"),
        ("Answer: $1,250.50", "1250.5"),
        ("The final answer (arabic numerals) is 007", "7"),
        ("It falls to -3.0 degrees.", "-3"),
        ("The answer is unclear, but 5 is likely", "5"),
        ("Room B2 has 4 doors in v1.2b", "4"),
        ("no digits here", None),
        ("", None),
    ],
)
def test_numbers(text: str, answer: str | None) -> None:
    assert final_answer(text, "number") == answer


@pytest.mark.parametrize(
    ("text", "choices", "answer"),
    [
        ("This review is Positive.", ("positive", "negative"), "positive"),
        ("It is not positive, it is negative", ("positive", "negative"), "negative"),
        ("The answer is (b).\nA good one.", ("a", "b"), "b"),
        ("A cat. The answer is A", ("A", "B"), "A"),
        ("a cat is a pet", ("A", "B"), None),
        ("nonpositive", ("positive",), None),
        ("very good indeed", ("good", "very good"), "very good"),
    ],
)
def test_choices(text: str, choices: tuple[str, ...], answer: str | None) -> None:
    assert final_answer(text, "choice", choices) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Well.\nThe answer is: **Paris**.", "Paris"),
        ("Some thoughts.\n\n“Paris”\n", "Paris"),
        ("  \n", None),
    ],
)
def test_free_text(text: str, answer: str | None) -> None:
    assert final_answer(text, "text") == answer


def test_the_first_choice() -> None:
    assert first_choice("Negative, not positive", ("positive", "negative")) == "negative"
    assert first_choice("neither", ("positive", "negative")) is None


def test_answers_are_the_same_without_case_and_quotes() -> None:
    assert same(' "New  York". ') == same("new york")


def test_a_vote_takes_the_most_frequent_and_of_equals_the_first() -> None:
    result = vote(["9", "Seven", "seven.", None, "9"])
    assert (result.winner, result.agreement, result.missing) == ("9", 0.4, 1)
    assert result.counts == (("9", 2), ("Seven", 2))
    assert vote([None]).winner is None
    assert vote([]).agreement == 0


@pytest.mark.parametrize(
    ("text", "kind", "choices", "whole", "cut"),
    [
        ("The answer is 12", "number", (), "12", None),
        ("7 and 5 make 12", "number", (), "12", "5"),
        ("The answer is 12.", "number", (), "12", None),  # it may have gone on to 12.5
        ("The answer is 1,", "number", (), "1", None),
        ("The answer is 12 km", "number", (), "12", "12"),
        ("The answer is no", "choice", ("no", "yes"), "no", None),  # or "nothing"
        ("No: the answer is yes. I", "choice", ("no", "yes"), "yes", "yes"),
        ("The answer is blue", "text", (), "blue", "blue"),
    ],
)
def test_what_ends_where_a_text_was_cut_does_not_count(
    text: str, kind: AnswerKind, choices: tuple[str, ...], whole: str, cut: str | None
) -> None:
    assert final_answer(text, kind, choices) == whole
    assert final_answer(text, kind, choices, cut=True) == cut
