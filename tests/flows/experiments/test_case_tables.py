"""The cases of an experiment, as tables hold them."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbay.flows.experiments.cases import read_case_table, rows_in
from patchbay.flows.experiments.checking import read_check
from patchbay.flows.experiments.grid import (
    as_result,
    grid_of,
    worse_than,
)
from patchbay.flows.problems import FlowError
from tests.flows.experiments.small import made, own_home, ran  # noqa: F401


def test_cases_that_ask_the_same_are_kept_apart(tmp_path: Path) -> None:
    """Two that ask the same and want something else were one in a result: the last counted."""
    table = "text,expected\n" + "".join(f"w{n},w{n}\nw{n},no\n" for n in range(8))
    experiment = made(tmp_path, table=table)
    ran(experiment)
    grid = grid_of(experiment, [read_check("exact", tmp_path)])
    last = as_result(grid, experiment.cases)
    assert sorted(last["variants"][0]["scores"].values()) == [0.0] * 8 + [1.0] * 8
    assert worse_than(grid, experiment.cases, last) == []


@pytest.mark.parametrize(
    ("table", "inputs", "notes"),
    [
        ("text,expected\na,b\n", ["text"], []),
        (
            "text,ton,expected\na,x,b\n", ["text", "tone"],
            ['The column "ton" is no input of the flow, and is left out.'],
        ),
        (
            "id,question,answer\n1,a,b\n", ["text"],
            ['The column "id" goes in as "text".',
             'The column "question" is no input of the flow, and is left out.'],
        ),
        ("question,expected\na,b\n", ["text"], []),
        (
            "text,label,answer,from,rating,comment\na,1,b,run,1,ok\na,1,b,run,1,ok\n", ["text"],
            ['The column "label" is no input of the flow, and is left out.',
             "1 case asks the same as an earlier one, and counts once more."],
        ),
    ],
)  # fmt: skip
def test_what_of_a_table_is_left_out_is_said(
    table: str, inputs: list[str], notes: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "cases.csv"
    path.write_text(table)
    assert read_case_table(path, inputs).notes == notes


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", "holds no cases"),
        ("text,expected\n", "holds no cases"),
        ("[1, 2]", "no list of objects"),
        ("{broken", "cannot be read as a table"),
        ("text,expected\na,b,c\n", "another number of cells (3)"),
        ("text,expected,text\na,b,c\n", "more than one column 'text'"),
        ("text, text\na,b\n", "more than one column 'text'"),
        ('text,expected\na,"b\nc,d\n', "unexpected end of data"),
        ("text;price, EUR\na;1,50\n", "choose the delimiter"),
    ],
)
def test_cases_that_are_none(table: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(FlowError) as caught:
        made(tmp_path, table=table)
    assert message in caught.value.problems[0].message


@pytest.mark.parametrize("table", ["text;expected\nhi;HI\n", "sep=|\ntext|expected\nhi|HI\n",
                                   "text\texpected\rhi\tHI\r"])  # fmt: skip
def test_cases_are_read_as_all_tables_are(table: str) -> None:
    assert rows_in(table, "cases.csv") == [{"text": "hi", "expected": "HI"}]


def test_cases_of_another_flow(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text('{"question": "a", "expected": "b"}')
    with pytest.raises(FlowError, match="no column for an input"):
        read_case_table(path, ["text", "style"])
    (case,) = read_case_table(path, ["text"]).cases  # the only input takes the only column
    assert case.inputs == {"text": "a"}
    with pytest.raises(FlowError, match='no column "right"'):
        read_case_table(path, ["question"], "right")
