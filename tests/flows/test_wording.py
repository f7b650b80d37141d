"""Small helpers of messages."""

from __future__ import annotations

import pytest

from patchbay.flows.wording import first_line


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
