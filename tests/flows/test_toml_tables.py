"""A table is taken out of a file that people write in; the rest stays letter by letter."""

from __future__ import annotations

import pytest

from patchbay.flows.toml_tables import without_table


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("", ""),
        ("# mine\n[b]\ny = 1", "# mine\n[b]\ny = 1"),
        ("# mine\n[a]\nx = 1\n\n[b]\ny = 1 # yours\n", "# mine\n[b]\ny = 1 # yours\n"),
        ("[b]\ny = 1\n\n[a]\nx = 1", "[b]\ny = 1\n\n"),
        ("[b]\ny = 1\n[a]", "[b]\ny = 1\n"),
        ("[a] # the first\nx = 1\n[a-b]\nx = 2\n", "[a-b]\nx = 2\n"),
    ],
)
def test_a_table_is_taken_out(text: str, rest: str) -> None:
    assert without_table(text, "a") == rest


def test_signs_of_a_name_are_themselves() -> None:
    assert without_table("[a.b]\nx = 1\n[axb]\nx = 2\n", "a.b") == "[axb]\nx = 2\n"
