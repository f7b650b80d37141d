"""Small helpers of messages."""

from __future__ import annotations

import pytest

from patchbay.flows.wording import first_line, plural


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("it broke\nat line 3"), "it broke"),
        (ValueError("\n  it broke  \nat line 3"), "it broke  "),
        (ConnectionError(), "ConnectionError"),
        (OSError(" \n"), "OSError"),
    ],
)
def test_the_first_line_of_an_error_says_something(error: Exception, said: str) -> None:
    assert first_line(error) == said


@pytest.mark.parametrize(
    ("count", "noun", "words"),
    [(1, "wire", "1 wire"), (0, "wire", "0 wires"), (1, "entry", "1 entry"),
     (1500, "entry", "1,500 entries"), (2, "key", "2 keys")],
)  # fmt: skip
def test_a_number_of_things(count: int, noun: str, words: str) -> None:
    assert plural(count, noun) == words
