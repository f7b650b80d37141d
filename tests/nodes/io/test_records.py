"""Records: JSON Lines, JSON, CSV, and what goes wrong with each."""

from __future__ import annotations

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.io.records import column, records


@pytest.mark.parametrize(
    "given",
    [
        '{"a": 1}\n\n{"a": 2}\n',
        '[{"a": 1}, {"a": 2}]',
        [{"a": 1}, {"a": 2}],
        "a,b\n1,x\n2,y\n",
        'a,b\n1,"x, with\nlines"\n2,y',
        "\ufeffa;b\n1;1,5\n2;2,5\n",
        '\ufeff{"a": 1, "b": "one\u2028two\u2029three\x85four"}\r\n{"a": 2}',
    ],
)
def test_the_forms(given) -> None:
    assert column(records(given, "source"), "a", "source") == ["1", "2"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ('{"a": 1}\n{"a": \n', "Line 2 of"),
        ("[1, 2]", "not a list of records"),
        ("[]", "holds no records"),
        ("", "holds no records"),
        ("a,b\n1\n", "another number of cells"),
        ("a,b\n1,2,3\n", "another number of cells"),
        ({"a": 1}, "not a list of records"),
        ('a,b\n1,"x\n', "is not CSV"),
        ("a,a\n1,2\n", "more than one column 'a'"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_what_does_not_fit(given, words) -> None:
    with pytest.raises(NodeError, match=words) as caught:
        records(given, "source")
    assert (caught.value.port, caught.value.code) == ("source", "records/unreadable")


def test_a_missing_field_names_the_record_and_what_it_has() -> None:
    with pytest.raises(NodeError, match="Record 2 of \"source\" has no 'a'; it has: b"):
        column([{"a": 1}, {"b": 2}], "a", "source")


def test_separators_of_unicode_are_text_in_json_lines() -> None:
    text = "one\u2028two\u2029three\x85four"
    assert records(f'{{"a": "{text}"}}\n{{"a": "x"}}\n', "source") == [{"a": text}, {"a": "x"}]


def test_how_cells_stand_apart_can_be_chosen() -> None:
    assert records("a;b,c\n1;2,3\n", "source", ";") == [{"a": "1", "b,c": "2,3"}]
