"""JSON from outside: what Python takes for it and RFC 8259 does not."""

from __future__ import annotations

from typing import Any

import pytest

from patchbay.flows.cli.arguments import read_settings
from patchbay.flows.cli.given import parsed
from patchbay.flows.experiments.cases import rows_in
from patchbay.flows.experiments.checking import read_check
from patchbay.flows.experiments.variants import _value, _values
from patchbay.flows.problems import FlowError
from patchbay.flows.server.core.asked import json_of
from patchbay.flows.server.core.refusals import RefusedError
from patchbay.nodes.errors import NodeError
from patchbay.nodes.io import given
from patchbay.nodes.io.records import records
from patchbay.nodes.models.lenient_json import json_in
from patchbay.nodes.strict_json import parse_json
from patchbay.nodes.tools.send import HttpReply
from patchbay.nodes.web.api_document import NotOpenApi, parse
from patchbay.studio.lenient_json import parse_lenient
from tests.paths import ROOT

BAD = {
    "no number": "NaN", "endless": "[-Infinity]", "too large": '{"a": 1e999}',
    "too deep": "[" * 100_000, "too many digits": "1" * 5_000, "cut": '{"a": ',
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_nothing_of_it_is_a_value_anywhere(case: str) -> None:
    text = BAD[case]
    for read in (parse_json, parsed, json_in):
        with pytest.raises(ValueError):  # noqa: PT011 - in the words of each
            read(text)
    with pytest.raises(ValueError):  # noqa: PT011
        parse_json(text.encode())
    value, wrong = parse_lenient(text)
    assert value in (None, text)
    assert wrong or value == text, "typed as it is, it is a text"


TWICE = '[{"a": 1, "b": {"c": 1, "c": 2}}]'


@pytest.mark.parametrize(
    "read",
    [
        json_in,
        parsed,
        lambda text: rows_in(text, "cases.json"),
        lambda text: records(text.strip("[]"), "source"),
        lambda text: given.parse("json", "x", (), text),
        lambda text: json_of(text.encode()),
        lambda text: read_settings([f"node.param={text}"]),
    ],
    ids=["an answer", "typed", "cases", "records", "an input", "a call", "--set"],
)
def test_of_two_values_for_one_name_none_is_taken(read: Any) -> None:
    with pytest.raises(
        (ValueError, FlowError, NodeError, RefusedError), match=r'"c" stands more than once'
    ):
        read(TWICE)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), ("-0.0", -0.0), ('{"a": [1e3, null]}', {"a": [1000.0, None]}), ('"NaN"', "NaN")],
)
def test_the_rest_is(text: str, value: Any) -> None:
    assert repr(parse_json(text)) == repr(value)
    assert parse_json(text.encode("utf-16")) == value


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e999", "[" * 100_000])
def test_a_variant_is_no_such_number(text: str) -> None:
    assert _value(text) == text
    assert _values(f"[{text}]") == ()


@pytest.mark.parametrize("far", ["nan", "inf", "-1", "1_0", "", "x"])
def test_a_check_has_a_distance_that_is_one(far: str) -> None:
    if far:
        with pytest.raises(FlowError, match="no distance"):
            read_check(f"number:{far}", ROOT)
    follows = read_check("number:0.5", ROOT)
    assert follows.score("about 3", 3.4) == 1.0


def test_an_answer_that_is_not_json_follows_no_schema(tmp_path: Any) -> None:
    (tmp_path / "s.json").write_text('{"type": "number"}')
    check = read_check("schema:s.json", tmp_path)
    assert [check.score(text, None) for text in ("1", "NaN", "1e999")] == [1.0, 0.0, 0.0]
    (tmp_path / "n.json").write_text('{"minimum": NaN}')
    with pytest.raises(FlowError, match="no JSON schema"):
        read_check("schema:n.json", tmp_path)


def test_nor_is_what_a_server_says() -> None:
    with pytest.raises(ValueError, match="too large a number"):
        HttpReply(200, {}, b'{"a": 1e999}', False, "http://x").json()
    with pytest.raises(NotOpenApi):
        parse("[" * 100_000)


def test_one_way_to_read_what_comes_from_outside() -> None:
    """Whoever lists constants or floats of JSON anew writes a second reader."""
    others = {"nodes/strict_json.py", "nodes/models/lenient_json.py", "flows/document/reading.py"}
    found = {
        str(path.relative_to(ROOT))
        for room in ("nodes", "flows", "studio")
        for path in (ROOT / room).rglob("*.py")
        if "parse_constant=" in path.read_text(encoding="utf-8")
    }
    assert found <= others
