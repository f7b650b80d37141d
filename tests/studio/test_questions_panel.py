"""Questions on a page: an edit as a difference."""

from __future__ import annotations

import pytest

from patchbay.studio.panels.questions import difference


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("a\nb", "a\nc", " a\n-b\n+c"),
        ("a", "a", ""),
        ("a\n---\nb", "a\nb", " a\n----\n b"),
        ("--", "++", "---\n+++"),
    ],
)
def test_an_edit_is_shown_line_by_line(before: str, after: str, shown: str) -> None:
    """A line that is a rule of Markdown looks like the heading of a difference, and is none."""
    assert difference(before, after) == shown
