"""Sections by headings, as CommonMark has them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchbay.nodes.text.sections import Section, sections


def headings(text: str) -> list[str]:
    return [" › ".join(section.headings) for section in sections(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("# A\nx\n## B\ny\n# C\nz", ["A", "A › B", "C"]),
        ("# A #\nx\n## B ####\ny\n# C#\nz", ["A", "A › B", "C#"]),
        ("A\n===\nx\n\nB\nb\n---\ny", ["A", "A › B b"]),
        ("# *A* `b` [c](d) \\# &amp;\nx", ["A b c # &"]),
        ("~~~\n# no\n~~~\nx", [""]),
        ("````\n```\n# no\n```\n````\nx", [""]),
        ("```\n~~~\n# no\n```\n# yes\nx", ["", "yes"]),
        ("```\n# never closed\n", [""]),
        ("    # code\nx", [""]),
        ("<!--\n# no\n\n# no\n-->\nx", [""]),
        ("<div>\n# no\n</div>\n\n# yes\nx", ["", "yes"]),
        ("> # quoted\n- # listed\n\nx", [""]),
        ("#hashtag\n\\# escaped\n####### seven\n", [""]),
        ("   # three blanks\nx", ["three blanks"]),
        ("# CR only\rx\r## Deep\ry", ["CR only", "CR only › Deep"]),
        ("---\ntitle: x\n---\n# A\nx", ["", "A"]),
        ("---\nFoo\n---\nx", ["", "Foo"]),
        ("# A\n\n## B\n\n### C\nx", ["A › B › C"]),
        ("# A\nx\n# Empty\n", ["A", "Empty"]),
        ("", []),
    ],
)
def test_what_is_a_heading(text: str, found: list[str]) -> None:
    assert headings(text) == found


def test_a_heading_with_nothing_below_goes_with_what_follows() -> None:
    assert sections("## Empty\n\n# D\nx") == [Section("## Empty\n\n# D\nx", ("D",))]


@given(st.text(st.sampled_from("#=-`~ \n\r\t<!>*.ab\u2028\x0b\\")))
def test_joined_they_are_the_text(text: str) -> None:
    assert "".join(section.text for section in sections(text)) == text
