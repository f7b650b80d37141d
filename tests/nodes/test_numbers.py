"""Numbers that somebody wrote: what means one thing only is read, and nothing else."""

from __future__ import annotations

import pytest

from patchbay.flows.cli.given import field_value
from patchbay.nodes.numbers import number_in
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
