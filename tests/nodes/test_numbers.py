"""Numbers that somebody wrote: what means one thing only is read, and nothing else."""

from __future__ import annotations

import pytest

from patchbay.flows.cli.given import field_value
from patchbay.nodes.numbers import number_in, number_of, numbers_of
from patchbay.nodes.retrieval.filters import MetadataFilter, matches


@pytest.mark.parametrize(
    ("text", "number"),
    [("3", 3), (" -2.5 ", -2.5), ("1e3", 1000), ("+4", 4), (".5", 0.5), ("5.", 5), ("007", 7)],
)
def test_it_is_read(text: str, number: float) -> None:
    assert number_in(text) == number


@pytest.mark.parametrize(
    "text",
    [
        "1_000",
        "1 000",
        "1,000",
        "nan",
        "inf",
        "-Infinity",
        "1e999",
        "٣",
        "３",
        "0x10",
        "1e",
        "",
        ".",
    ],
)
def test_it_is_none(text: str) -> None:
    assert number_in(text) is None


def test_a_form_takes_no_python() -> None:
    assert field_value("n", "12", {"type": "integer"}) == 12
    for text in ("1_000", "1.5", "nan"):
        with pytest.raises(ValueError, match="takes a whole number"):
            field_value("n", text, {"type": "integer"})
    with pytest.raises(ValueError, match="takes a number"):
        field_value("n", "1_0.5", {"type": "number"})


def test_a_condition_takes_no_python() -> None:
    asked = MetadataFilter(field="year", relation="is", value="1_999")
    assert not matches({"year": 1999}, [asked])
    assert matches({"year": 1999}, [asked.model_copy(update={"value": "1999.0"})])


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1,234.5 of 12,345", [1234.5, 12345]), ("1,2,3", [1, 2, 3]), ("(3,4)", [3, 4]),
        ("1,2345", [1, 2345]), ("x = \u22122.", [-2]), ("x=-5, y = +6", [-5, 6]),
        ("3-5, GPT-4, (3)-5", [3, 5, 4, 3, 5]), (".5 and 5.", [0.5, 5]), ("7.25e3", [7250]),
        ("1e999", []), ("\u0663", []), ("none", []),
    ],
)  # fmt: skip
def test_the_numbers_in_a_text(text: str, numbers: list[float]) -> None:
    assert numbers_of(text) == numbers


def test_a_text_that_is_a_number_with_what_people_write() -> None:
    found = [number_of(text) for text in (" 1,200 ", "\u22121.5", "5.", "5,47", "10%", "1e999", "")]
    assert found == [1200, -1.5, 5, None, None, None, None]
