"""Branch: every test of the table, on both sides, and what it refuses to look at."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.logic.branch import Branch
from patchbay.nodes.testing import run_node
from patchbay.nodes.values import Document, Message


def taken(value, carries="text", compare=None, **params) -> str:
    inputs = {"value": value} | ({} if compare is None else {"compare": compare})
    outputs = run_node(Branch, {"carries": carries, **params}, inputs)
    (way,) = outputs  # exactly one output is set
    assert outputs[way] == value  # and carries the value unchanged
    return way


@pytest.mark.parametrize(
    ("test", "operand", "yes", "no"),
    [
        ("equals", "Yes", "yes", "no"),
        ("does not equal", "yes", "no", "YES"),
        ("contains", "ell", "HELLO", "hi"),
        ("does not contain", "ell", "hi", "hello"),
        ("starts with", "he", "Hello", "ohe"),
        ("ends with", "LO", "hello", "lol"),
        ("is one of", ["yes", "yeah"], "Yeah", "no"),
        ("is empty", None, " \n", "x"),
        ("is not empty", None, "x", ""),
        ("longer than", 3, "four", "tri"),
        ("shorter than", 3, "ab", "abc"),
        ("equals", "STRASSE", "straße", "strase"),
    ],
)
def test_text(test, operand, yes, no):
    assert taken(yes, test=test, operand=operand) == "then"
    assert taken(no, test=test, operand=operand) == "otherwise"


@pytest.mark.parametrize("test", ["equals", "contains", "starts with", "ends with"])
def test_case_matters_when_told(test):
    assert taken("Yes", test=test, operand="yes") == "then"
    assert taken("Yes", test=test, operand="yes", case_sensitive=True) == "otherwise"


@pytest.mark.parametrize(
    ("test", "operand", "yes", "no"),
    [
        ("<", 3, 2.5, 3),
        ("<=", 3, 3, 3.1),
        (">", 3, 3.1, 3),
        (">=", 3, 3, 2.9),
        ("between", [1, 2], 2, 2.1),
        ("equals", 3, 3.0, 4),
        ("does not equal", 3, 4, 3),
        ("is one of", [1, 2.0], 2, 3),
    ],
)
def test_numbers(test, operand, yes, no):
    assert taken(yes, "number", test=test, operand=operand) == "then"
    assert taken(no, "number", test=test, operand=operand) == "otherwise"


@pytest.mark.parametrize(
    ("test", "operand", "pointer", "yes", "no"),
    [
        ("has key", "name", "", {"Name": None}, {"x": 1}),
        ("equals", {"a": [1, True]}, "", {"a": [1, True]}, {"a": [1, 1]}),
        ("equals", "en", "/lang", {"lang": "EN"}, {"lang": "da"}),
        ("equals", True, "/ok", {"ok": True}, {"ok": False}),
        ("equals", "x", "/v", {"v": "x"}, {"v": None}),
        (">", 0.5, "/scores/0", {"scores": [0.9]}, {"scores": [0.1]}),
        ("contains", "b", "", ["a", "B"], ["a", 2]),
        ("does not contain", "b", "", ["a"], ["b"]),
        ("longer than", 1, "/items", {"items": [1, 2]}, {"items": [1]}),
        ("is empty", None, "/a/b", {}, {"a": {"b": "x"}}),
        ("is not empty", None, "/a", {"a": [0]}, {"a": {}}),
        ("is one of", [1, None, "x"], "/v", {"v": None}, {"v": True}),
    ],
)
def test_json(test, operand, pointer, yes, no):
    assert taken(yes, "json", test=test, operand=operand, pointer=pointer) == "then"
    assert taken(no, "json", test=test, operand=operand, pointer=pointer) == "otherwise"


def test_documents_and_messages_are_looked_at_as_text():
    documents = [Document(text="about cats"), Document(text="about dogs")]
    assert taken(documents, "documents", test="contains", operand="dogs") == "then"
    assert taken([], "documents", test="is empty") == "then"
    messages = [Message(role="user", content="stop")]
    assert taken(messages, "messages", test="ends with", operand="stop") == "then"


def test_what_is_wired_into_compare_goes_before_the_operand():
    assert taken("b", test="equals", operand="a", compare="b") == "then"
    assert taken(5, "number", test=">", compare=3) == "then"


def test_compare_is_required_only_without_an_operand():
    def compare(**params):
        port = Branch.input_ports(Branch.Params(**params)).declared.get("compare")
        return port and port.required

    assert compare(test="equals") is True
    assert compare(test="equals", operand="a") is False
    assert compare(test="is empty") is None


@pytest.mark.parametrize(
    ("value", "params", "port", "words"),
    [
        (
            {"a": 1},
            {"carries": "json", "test": "contains", "operand": "x"},
            "value",
            "looks at text",
        ),
        (
            "7",
            {"carries": "any", "test": "<", "operand": 8},
            "value",
            "looks at a number, but the value is text",
        ),
        (True, {"carries": "json", "test": "<", "operand": 8}, "value", "looks at a number"),
        ("7", {"carries": "json", "test": "equals", "operand": 7}, "value", "can never be equal"),
        (7, {"carries": "json", "test": "is empty"}, "value", "Number is never empty"),
        (
            7,
            {"carries": "any", "test": "longer than", "operand": 1},
            "value",
            "looks at text or a list",
        ),
        (
            "x",
            {"carries": "json", "test": "has key", "operand": "a"},
            "value",
            "looks at a JSON object",
        ),
        (
            {"a": 1, "b": 2},
            {"carries": "json", "test": ">", "operand": 1, "pointer": "/c"},
            "value",
            "nothing at /c in the value. Its keys are: a, b",
        ),
        (
            7,
            {"carries": "number", "test": ">", "compare": "x"},
            "compare",
            "compares with a number",
        ),
        (7, {"carries": "number", "test": "between", "compare": [2, 1]}, "compare", "[low, high]"),
    ],
)
def test_what_cannot_be_looked_at(value, params, port, words):
    with pytest.raises(NodeError) as caught:
        taken(value, **params)
    assert words in caught.value.message
    assert caught.value.port == port
    assert not caught.value.retry


@pytest.mark.parametrize(
    "params",
    [
        {"test": "<", "operand": "3", "carries": "number"},
        {"test": "<", "operand": 3, "carries": "text"},
        {"test": "between", "operand": [2, 1], "carries": "number"},
        {"test": "between", "operand": [1], "carries": "number"},
        {"test": "is one of", "operand": "a"},
        {"test": "is one of", "operand": []},
        {"test": "longer than", "operand": -1},
        {"test": "contains", "operand": 3},
        {"test": "is empty", "carries": "number"},
        {"test": "has key", "operand": "a", "carries": "text"},
        {"pointer": "/a", "carries": "text"},
        {"pointer": "a", "carries": "json"},
        {"test": "matches", "operand": "(a+)+$"},
    ],
)
def test_params_that_can_never_work(params):
    with pytest.raises(ValidationError):
        Branch.Params(**params)


@pytest.mark.parametrize("carries", ["text", "number", "json", "messages", "documents", "any"])
def test_both_ways_carry_the_type_and_exclude_each_other(carries):
    params = Branch.Params(carries=carries, test="equals")
    ports = Branch.output_ports(params).declared
    assert ports["then"].type.ids == ports["otherwise"].type.ids == (carries,)
    assert Branch.exclusive_outputs(params) == ("then", "otherwise")
