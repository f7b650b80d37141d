"""Patterns: only the asterisk is special."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchbay.nodes.text.patterns import fits


@pytest.mark.parametrize(
    ("text", "pattern", "fitting"),
    [
        ("a.pdf", "*.pdf", True),
        ("a.pdf", "*.PDF", False),
        ("notes [1].md", "notes [1].md", True),
        ("notes 1.md", "notes [1].md", False),
        ("ab", "a?", False),
        ("a?", "a?", True),
        ("layers.0.mlp", "*layers.0.*", True),
        ("layersX0.mlp", "*layers.0.*", False),
        ("aba", "ab*ba", False),
        ("abba", "ab*ba", True),
        ("one\ntwo", "one*two", True),
        ("", "*", True),
        ("", "", True),
        ("a", "", False),
        ("axbxc", "a*b*c", True),
        ("ac", "a*b*c", False),
        ("ab", "a*b*b", False),
    ],
)
def test_fits(text: str, pattern: str, fitting: bool) -> None:
    assert fits(text, pattern) == fitting


@given(st.lists(st.text(), min_size=1), st.lists(st.text(), min_size=1))
def test_what_stands_for_the_asterisks_is_found(parts: list[str], between: list[str]) -> None:
    fixed = [part.replace("*", "") for part in parts]
    text = fixed[0] + "".join(
        between[at % len(between)] + part for at, part in enumerate(fixed[1:])
    )
    assert fits(text, "*".join(fixed))
