"""`patchbay studio` as most ask for it is read without what reads the options of all commands."""

from __future__ import annotations

import pytest

from patchbay.flows.cli.opening import PORT, plainly_asked


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ("studio", (PORT, False)),
        ("studio --headless", (PORT, True)),
        ("studio --port 9000 --headless", (9000, True)),
        ("studio --headless --port 9000", (9000, True)),
    ],
)
def test_what_most_ask_for(words: str, asked: tuple[int, bool]) -> None:
    assert plainly_asked(words.split()) == asked


@pytest.mark.parametrize(
    "words",
    [
        "", "run studio", "--headless studio", "studio --help", "studio --port", "studio --port x",
        "studio --port -1", "studio --port ٣", "studio --port=9000", "studio --no-headless",
        "studio --trace http://127.0.0.1:4318", "studio --debug", "studio more",
    ],
)  # fmt: skip
def test_all_else_is_left_to_what_knows_all_options(words: str) -> None:
    assert plainly_asked(words.split()) is None
