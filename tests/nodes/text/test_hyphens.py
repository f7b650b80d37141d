"""Words cut at the end of a line."""

from __future__ import annotations

import pytest

from patchbay.nodes.text.hyphens import whole_words


@pytest.mark.parametrize(
    ("lines", "whole"),
    [
        (["an inter-", "national norm"], ["an international", "norm"]),
        (["an inter\u2010", "national norm"], ["an international", "norm"]),
        (["Donau\xaddampf\xad", "schiff fährt"], ["Donaudampfschiff", "fährt"]),
        (["well-known; it is well-", "known"], ["well-known; it is well-known"]),
        (["COVID-", "19 spread"], ["COVID-19", "spread"]),
        (["the Anglo-", "Saxon kings"], ["the Anglo-Saxon", "kings"]),
        (["INTER-", "NATIONAL"], ["INTERNATIONAL"]),
        (["Vor-", "und Nachteile"], ["Vor-", "und Nachteile"]),
        (["pre-", "and post-war"], ["pre-", "and post-war"]),
        (["in-", "ter-", "national."], ["international."]),
        (["5 -", "3"], ["5 -", "3"]),
        (["a dash –", "goes on"], ["a dash –", "goes on"]),
        (["cut-", "", "paragraph"], ["cut-", "", "paragraph"]),
        (["ends with a cut-"], ["ends with a cut-"]),
        (["international and inter-", "national"], ["international and international"]),
    ],
)
def test_whole_words(lines: list[str], whole: list[str]) -> None:
    assert whole_words(lines) == whole


def test_long_lines_take_no_longer_than_they_must() -> None:
    line = "a" * 200_000
    assert whole_words([line, "b"]) == [line, "b"]
    assert whole_words(["word-"] * 3000)[0].startswith("wordword")
