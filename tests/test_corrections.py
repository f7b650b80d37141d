"""Each line of docs/corrections.md names tests that are there."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.paths import ROOT

CELL = re.compile(r"(?<!\\)\|")


def corrections(text: str) -> Iterator[tuple[str, list[str]]]:
    """What was wrong, and the tests that hold what is right, of each line of the tables."""
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith("| what was wrong |"):
            what, _, _, *tests = (cell.strip() for cell in CELL.split(line)[1:-1])
            yield what, [one.strip("`") for one in ", ".join(tests).split(", ")]


def missing(what: str, tests: list[str]) -> Iterator[str]:
    """What is said of a line whose tests are not there."""
    for one in tests:
        if not one:
            yield f'"{what[:60]}" names no test: add a last cell such as `flows/runs/test_rest.py`.'
            continue
        file, _, name = one.partition("::")
        path = ROOT / "tests" / file
        if not path.is_file() or not path.name.startswith("test_"):
            yield f'"{what[:60]}" names {one}, which is no file of tests.'
        elif name and not re.search(rf"def test_{name}\(", path.read_text(encoding="utf-8")):
            yield f'"{what[:60]}" names {one}, and {file} has no test of that name.'


def test_every_line_names_tests_that_are_there() -> None:
    text = (ROOT / "docs" / "corrections.md").read_text(encoding="utf-8")
    lines = list(corrections(text))
    assert len(lines) > 150
    assert [said for line in lines for said in missing(*line)] == []


@pytest.mark.parametrize("test", ["flows/test_none.py", "paths.py", "test_units.py::no_such", ""])
def test_what_is_not_there_is_said(test: str) -> None:
    last = f" `{test}` |" if test else ""
    (line,) = corrections(f"| a \\| b | c | d |{last}")
    assert line == ("a \\| b", [test])
    assert len(list(missing(*line))) == 1
