"""Transform: JMESPath, within limits."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.records.transform import Transform
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.values import Document, Table

PEOPLE = [
    {"name": "Ada", "age": 36, "address": {"city": "London"}},
    {"name": "Alan", "age": 41, "address": {"city": "Wilmslow"}},
    {"name": "Bo", "age": 12, "address": {"city": "Odense"}},
]


def made(expression: str, value: Any = PEOPLE, ctx: Any = None, **params: Any) -> Any:
    params |= {"expression": expression}
    given = {"value": value, **{name: params.get("more") for name in params.get("inputs", [])}}
    params.pop("more", None)
    return run_node(Transform, params, given, ctx)["result"]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("[?age > `30`].{name: name, city: address.city}",
         [{"name": "Ada", "city": "London"}, {"name": "Alan", "city": "Wilmslow"}]),
        ("sort_by(@, &age)[-1].name", "Alan"),
        ("length(@)", 3),
        ("sum([].age)", 89),
        ("[*].address.city | join(', ', @)", "London, Wilmslow, Odense"),
        ("[0].nothing", None),
        ("[].[name, age][]", ["Ada", 36, "Alan", 41, "Bo", 12]),
        ("contains([].name, 'Bo')", True),
    ],
)  # fmt: skip
def test_the_language(expression: str, expected: Any):
    assert made(expression) == expected


def test_documents_tables_and_further_inputs():
    assert made("[].metadata.p", [Document(text="a", metadata={"p": 1})]) == [1]
    assert made("[?a > `1`].b", Table(columns=("a", "b"), rows=((1, 2), (3, 4)))) == [4]
    assert made("value[?name == 'Bo'] | [0].age", inputs=["who"], more="Bo") == 12
    assert made("{n: length(value), who: who}", inputs=["who"], more="Bo") == {"n": 3, "who": "Bo"}


def test_the_result_has_the_type_that_was_chosen():
    assert made("[0].name", gives="text") == "Ada"
    assert made("[0].age", gives="text") == "36"
    assert made("[0].age", gives="number") == 36
    for gives, expression in (("number", "[0].name"), ("text", "[0].x"), ("number", "`true`")):
        with pytest.raises(NodeError, match=f"is to give a {gives}") as failure:
            made(expression, gives=gives)
        assert failure.value.code == "transform/type"


DOUBLING = " | ".join(["[@, @]"] * 60)


@pytest.mark.parametrize(
    "expression",
    [
        DOUBLING,
        " | ".join(["[@, @][]"] * 40),
        f"to_string({DOUBLING})",
        f"({DOUBLING}) == ({DOUBLING} | [0:2])",
        f"contains({DOUBLING}, 'x')",
        "'xxxxxxxxxx' | " + " | ".join(["join('', [@, @])"] * 40),
    ],
    ids=["shares", "flattens", "written out", "compared", "looked through", "text"],
)  # fmt: skip
def test_a_short_expression_cannot_ask_for_more_than_there_is(expression: str):
    with pytest.raises(NodeError) as failure:
        made(expression)
    assert failure.value.code == "transform/limit"


def test_time_is_limited():
    nested = "@"
    for _ in range(7):
        nested = f"map(&({nested}), `{list(range(40))}`)"
    with pytest.raises(NodeError, match=r"took longer than 0\.2 s"):
        made(nested, seconds=0.2)


def test_a_run_that_is_stopped_stops_it():
    ctx = RecordingContext()
    ctx.cancelled.set()
    with pytest.raises(NodeError, match="the run was stopped"):
        made("[].[name, age, name, age, name]" + "[]" * 5, PEOPLE * 200, ctx)


@pytest.mark.parametrize("expression", ["sort(@)", "abs('x')", "length(`1`)", "join(`1`, @)"])
def test_a_function_that_does_not_fit_is_said(expression: str):
    with pytest.raises(NodeError) as failure:
        made(expression)
    assert failure.value.code == "transform/misfit"


@pytest.mark.parametrize(
    "expression",
    ["", "a[?b", "nope(@)(", "a..b", "__import__('os')(", "(" * 3000 + "@" + ")" * 3000],
)
def test_what_is_no_expression_is_refused_when_checked(expression: str):
    with pytest.raises(ValidationError):
        Transform.Params(expression=expression)


def test_an_unknown_function_is_said_when_it_runs():
    with pytest.raises(NodeError, match="nope"):
        made("nope(@)")


@pytest.mark.parametrize(
    "params", [{"inputs": ["value"]}, {"inputs": ["a", "a"]}, {"gives": "any"}]
)
def test_bad_settings_are_refused(params: dict[str, Any]):
    with pytest.raises(ValidationError):
        Transform.Params.model_validate(params)
