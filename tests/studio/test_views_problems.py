"""What is wrong, as the studio says it: sentences, with the place, without codes."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from patchbay.flows.problems import FlowError, Problem

FULL = Problem("file/unwritable", "It cannot be written.", "Free some space.")
PLACED = Problem("params/invalid", "It is no number.", "Write one.", node="ask", param="top_k")
BARE = Problem("run/stopped", "It was stopped.")


@pytest.mark.parametrize(
    ("problems", "words"),
    [
        ((FULL,), "It cannot be written. Free some space."),
        ((BARE,), "It was stopped."),
        ((PLACED, BARE), "It is no number. Write one. It was stopped."),
    ],
)
def test_an_error_in_words_has_no_codes(problems: tuple[Problem, ...], words: str) -> None:
    assert FlowError(problems).in_words() == words


def test_a_list_of_problems_has_places_and_no_codes() -> None:
    def page() -> None:
        from patchbay.studio.views.problems import list_problems
        from tests.studio.test_views_problems import FULL, PLACED

        list_problems([FULL, PLACED, "A sentence."])

    shown = AppTest.from_function(page).run()
    assert not shown.exception
    assert [one.value.replace("\\", "") for one in shown.markdown] == [
        "- It cannot be written. Free some space.",
        "- ask.top_k: It is no number. Write one.",
        "- A sentence.",
    ]
