"""Whatever a file holds: a flow, or every problem in words. Never another exception."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchbay.flows.document.model import Flow
from patchbay.flows.document.reading import MAX_BYTES, read_flow, read_text
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.wording import UNSAFE


def problems_of(text: str | bytes) -> list[Problem]:
    with pytest.raises(FlowError) as caught:
        read_text(text)
    for problem in caught.value.problems:
        assert problem.fix
        assert not UNSAFE.search(str(problem))
    return list(caught.value.problems)


def only(text: str | bytes) -> Problem:
    found = problems_of(text)
    assert len(found) == 1, found
    return found[0]


def document(**fields: Any) -> str:
    return json.dumps({"format": 1, **fields})


NODE = {"id": "a", "kind": "test.step"}


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        (b"\xff\xfe{\x00", "file/not-utf8", "byte 1"),
        ("", "file/not-json", "empty"),
        (" \n", "file/not-json", "empty"),
        ("hello", "file/not-json", "line 1, column 1"),
        ('{"format": 1,\n "nodes": [],\n}', "file/not-json", "line 2, column 13"),
        ('{"format": 1,\n "nodes": [1, ]}', "file/not-json", "nothing follows this comma"),
        ("{'format': 1}", "file/not-json", "Use double quotes"),
        ('{"format": 1, // one\n}', "file/not-json", "Remove the comment"),
        ('{"format": 1, "nodes": [', "file/not-json", "the text ends"),
        ('{"name": "torn', "file/not-json", "column 10: the text that begins here has no closing"),
        ('{"name": "a\nb"}', "file/not-json", "write it with a backslash"),
        ('{"name": "C:\\q"}', "file/not-json", "begins no escape that JSON knows"),
        ('{"format": 1} {}', "file/not-json", 'the value has ended, and "{" follows'),
        ('{"format" 1}', "file/not-json", "expected ':', found \"1\""),
        ('{"format": tru', "file/not-json", 'expected a value, found "t"'),
        ('{"name": "\x1b[31m"}', "file/not-json", "line 1, column 11"),
        ("[]", "file/shape", "a list"),
        ('"flow"', "file/shape", 'the text "flow"'),
        ("null", "file/shape", "null"),
        ("{}", "file/no-format", "format"),
        ('{"nodes": []}', "file/no-format", "import it"),
        ('{"format": "1"}', "file/format", 'the text "1"'),
        ('{"format": true}', "file/format", "true"),
        ('{"format": 1.0}', "file/format", "1.0"),
        ('{"format": 0}', "file/format", "0"),
        ('{"format": 2}', "file/future-format", "pip install --upgrade patchbay-studio"),
        ('{"format": 2, "brand": "new"}', "file/future-format", "format 2"),
        ('{"format": 1, "name": ' + "1" * 5000 + "}", "file/number", "thousands of digits"),
        ('{"format": 1, "name": "a", "name": "b"}', "file/duplicate-key", '"name" more than once'),
    ],
)
def test_text_that_is_no_flow(text: str | bytes, code: str, says: str) -> None:
    problem = only(text)
    assert problem.code == code
    assert says in str(problem)


@pytest.mark.parametrize("depth", [101, 1_000, 100_000])
@pytest.mark.parametrize("pair", ["[]", '{"a":}'])
def test_endless_nesting(depth: int, pair: str) -> None:
    opening, closing = pair[:-1], pair[-1]
    value = opening * depth + "1" + closing * depth
    assert only(f'{{"format": 1, "nodes": {value}}}').code == "file/too-deep"


def test_deep_but_bounded_nesting_is_read() -> None:
    value: Any = 1
    for _ in range(90):
        value = [value]
    assert read_text(document(nodes=[NODE | {"params": {"deep": value}}])).nodes


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none(number: str) -> None:
    problem = only(
        f'{{"format": 1, "nodes": [{{"id": "a", "kind": "k", "params": {{"x": {number}}}}}]}}'
    )
    assert (problem.code, problem.message[:20]) == ("file/number", "nodes[0].params.x is")


def test_half_a_character() -> None:
    assert only('{"format": 1, "name": "\\ud800"}').code == "file/not-utf8"
    assert only('{"format": 1, "nodes": [{"\\udfff": 1}]}').code == "file/not-utf8"


@pytest.mark.parametrize("name", ["../../x", "a\x1b[31mb", "a\nb", "", "a.b", "ä", "x" * 65, "1a"])
def test_ids_that_are_no_names(name: str) -> None:
    problem = only(document(nodes=[{"id": name, "kind": "test.step"}]))
    assert problem.code == "file/shape"
    assert "nodes[0].id must be a name" in problem.message


def test_duplicate_ids_among_nodes_notes_and_groups() -> None:
    problem = only(document(nodes=[NODE, NODE], notes=[{"id": "a"}]))
    assert problem.code == "structure/duplicate-id"
    assert "nodes[0], nodes[1], notes[0]" in problem.message


def test_every_wrong_place_is_told_at_once() -> None:
    found = problems_of(
        document(
            name="two\nlines",
            nodes=[
                {"id": "a"},
                {"id": "b", "kind": "k", "version": "1", "colour": "red"},
                {"id": "c", "kind": "k", "disabled": "yes", "run": {"retries": -1, "cache": "?"}},
                "d",
            ],
            edges=[{"from": "a", "to": 3}, {"source": "a.x", "target": "b.y"}],
            layout={"a": {"x": "NaN"}},
            surprise=1,
        )
    )
    told = {problem.message for problem in found}
    for message in (
        'name must be one line without control characters, not the text "two\\u000alines".',
        "nodes[0].kind is missing.",
        'nodes[1].version must be a whole number, not the text "1".',
        "nodes[1].colour is not known here.",
        'nodes[2].disabled must be true or false, not the text "yes".',
        "nodes[2].run.retries must be at least 0, not the number -1.",
        "nodes[2].run.cache must be one of 'auto', 'always' or 'never', not the text \"?\".",
        'nodes[3] must be an object, not the text "d".',
        "edges[0].to must be text, not the number 3.",
        "edges[1].from is missing.",
        "edges[1].source is not known here.",
        'layout.a.x must be a number, not the text "NaN".',
        "layout.a.y is missing.",
        "surprise is not known here.",
    ):
        assert message in told
    assert {p.node for p in found if p.message.startswith("nodes[2]")} == {"c"}


def test_a_wrong_value_that_looks_like_a_key_is_not_repeated() -> None:
    key = "sk-" + "0" * 30
    assert key not in str(only(document(nodes=[NODE | {"version": key}])))


def test_a_byte_order_mark_is_fine() -> None:
    assert read_text(b"\xef\xbb\xbf" + document(name="x").encode()) == Flow(name="x")


# --- files --------------------------------------------------------------------------------------


def file_problem(path: str | Path) -> Problem:
    with pytest.raises(FlowError) as caught:
        read_flow(path)
    (problem,) = caught.value.problems
    assert not UNSAFE.search(str(problem))
    return problem


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert file_problem(tmp_path / "no.json").code == "file/missing"
    assert file_problem(tmp_path / "no\x1b[31m.json").code == "file/missing"
    assert file_problem("no\0.json").code == "file/unreadable"
    assert file_problem(tmp_path / ("x" * 300)).code == "file/unreadable"


def test_a_folder_and_a_pipe(tmp_path: Path) -> None:
    assert file_problem(tmp_path).code == "file/not-a-file"
    os.mkfifo(tmp_path / "pipe")
    assert file_problem(tmp_path / "pipe").code == "file/not-a-file"


def test_a_file_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("{}")
    assert file_problem(tmp_path / "file" / "flow.json").code == "file/unreadable"


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable for root")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "flow.json"
    path.write_text("{}")
    path.chmod(0)
    assert file_problem(path).code == "file/unreadable"


def test_a_file_of_50_mb_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "big.json"
    with path.open("wb") as file:
        file.truncate(50 * 1024 * 1024)
    problem = file_problem(path)
    assert problem.code == "file/too-large"
    assert "52.4 MB" in problem.message
    assert "16.8 MB" in problem.message


def test_a_text_that_is_too_large() -> None:
    assert only(" " * (MAX_BYTES + 1)).code == "file/too-large"


# --- anything -----------------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
fields = st.fixed_dictionaries(
    {"format": st.just(1) | json_values},
    optional={
        name: json_values
        | st.lists(
            st.fixed_dictionaries(
                {},
                optional=dict.fromkeys(
                    ("id", "kind", "params", "from", "to", "run", "x", "y", "title"), json_values
                ),
            ),
            max_size=3,
        )
        for name in ("name", "nodes", "edges", "notes", "groups", "layout", "description")
    },
)


@given(st.binary() | st.text() | fields.map(json.dumps))
def test_anything_is_a_flow_or_a_problem(text: str | bytes) -> None:
    try:
        answer: Flow | FlowError = read_text(text)
    except FlowError as error:
        answer = error
    assert isinstance(answer, Flow) or answer.problems
    if isinstance(answer, FlowError):
        assert not any(UNSAFE.search(str(problem)) for problem in answer.problems)
