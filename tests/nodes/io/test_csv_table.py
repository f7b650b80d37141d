"""CSV as spreadsheets and programs really write it."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchbay.nodes.io.csv_table import BadTable, Delimiter, read_table


def cells(text: str, delimiter: Delimiter = "auto") -> list[list[str]]:
    rows = read_table(text, delimiter)
    return [list(rows[0].cells), *(list(row.cells.values()) for row in rows)] if rows else []


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends(sign: str, end: str) -> None:
    lines = ["name,price", "apple,1", '"pear, ripe",2']
    text = end.join(line.replace(",", sign) for line in lines) + end
    assert cells(text) == [["name", "price"], ["apple", "1"], [f"pear{sign} ripe", "2"]]


def test_decimal_commas_stay_in_their_cells() -> None:
    assert cells("name;price;weight\nÄpfel;1,50;0,2\nNüsse;3,00;1\n")[1:] == [
        ["Äpfel", "1,50", "0,2"],
        ["Nüsse", "3,00", "1"],
    ]


def test_what_two_delimiters_would_split_is_not_guessed() -> None:
    text = "item;price, EUR\nÄpfel;1,50\n"
    with pytest.raises(BadTable, match="a comma and a semicolon would both split it"):
        read_table(text)
    assert cells(text, ";")[1] == ["Äpfel", "1,50"]


def test_excel_may_name_its_delimiter() -> None:
    (row,) = read_table("sep=;\r\na;b,c\r\n1;2,3\r\n")
    assert (row.cells, row.line) == ({"a": "1", "b,c": "2,3"}, 3)


def test_a_big_cell() -> None:
    long = "word " * 100_000
    assert cells(f'a,b\n1,"{long}"\n')[1] == ["1", long]


def test_other_separators_of_unicode_are_text() -> None:
    text = "one\u2028two\u2029three\x85four\x0bfive"
    assert cells(f"a,b\n1,{text}\n")[1] == ["1", text]


def test_one_column() -> None:
    assert cells("text\nHello\n\nWorld\n") == [["text"], ["Hello"], ["World"]]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (",name,age\n0,Ida,7\n", ["column_1", "name", "age"]),
        ("name;age;\nIda;7;\n", ["name", "age", "column_3"]),
        (' ,a,""\n1,2,3\n', ["column_1", "a", "column_3"]),
        (",,\n1,2,3\n", ["column_1", "column_2", "column_3"]),
    ],
)
def test_a_column_without_a_name_is_called_by_its_number(text: str, names: list[str]) -> None:
    (row,) = read_table(text)
    assert list(row.cells) == names


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a,a\n1,2\n", "more than one column 'a'"),
        ("a, a\n1,2\n", "more than one column 'a'"),
        (",column_1\n1,2\n", "more than one column 'column_1'"),
        ("a,b\n1,2\n3\n", r"line 3 has another number of cells \(1\) than the header line \(2\)"),
        ("a;b\n1;2\n3;4;5\n", r"line 3 has another number of cells \(3\)"),
        ("text\nHello, world\n", "line 2 has another number of cells"),
        ('a,b\n1,"x\n', "line 2: unexpected end of data"),
        ('a,b\n1,"x"y\n', "line 2: ',' expected after"),
        ('a,b\n1,"x\n2,y\n', "lines 2 to 3: unexpected end of data"),
        ('a,"b\n1,2\n', "lines 1 to 2: unexpected end of data"),
        ('a;"b"c\n1;2\n', "line 1: ';' expected after"),
    ],
)
def test_what_is_no_table(text: str, why: str) -> None:
    with pytest.raises(BadTable, match=why):
        read_table(text)


@given(
    st.lists(
        st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=2,
                 max_size=2), min_size=1, max_size=5),
    st.sampled_from([",", ";", "\t", "|"]),
)  # fmt: skip
def test_what_was_written_is_read(rows: list[list[str]], sign: str) -> None:
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=sign, quoting=csv.QUOTE_ALL)
    writer.writerow(["first", "second"])
    writer.writerows(rows)
    assert cells(written.getvalue())[1:] == rows
