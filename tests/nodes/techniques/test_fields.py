"""Rows of a table → a Pydantic model → a JSON Schema."""

from __future__ import annotations

import json

import pytest

from patchbay.nodes.models.schema import check_schema
from patchbay.nodes.techniques.fields import (
    AnswerField,
    check_answer,
    model_of,
    schema_of,
)

FIELDS = [
    AnswerField(name="copy", description="A name that Pydantic uses itself."),
    AnswerField(name="price (€)", type="number", required=False),
    AnswerField(name="sizes", type="choice", choices="S, M , L, M", many=True, limit=2),
    AnswerField(name="new", type="yes or no"),
]
SHAPE = model_of(FIELDS)


def test_the_schema() -> None:
    schema = schema_of(SHAPE)
    check_schema(schema)
    assert schema == {
        "type": "object",
        "additionalProperties": False,
        "required": ["copy", "sizes", "new"],
        "properties": {
            "copy": {
                "type": "string",
                "maxLength": 200,
                "description": "A name that Pydantic uses itself.",
            },
            "price (€)": {"anyOf": [{"type": "number"}, {"type": "null"}], "default": None},
            "sizes": {
                "type": "array",
                "maxItems": 2,
                "items": {"type": "string", "enum": ["S", "M", "L"]},
            },
            "new": {"type": "boolean"},
        },
    }


def test_a_field_may_be_called_title() -> None:
    schema = schema_of(model_of([AnswerField(name="title")]))
    assert schema["properties"] == {"title": {"type": "string", "maxLength": 200}}


def test_an_answer_that_fits() -> None:
    text = json.dumps({"copy": "x", "sizes": ["M"], "new": True})
    value, problem = check_answer(SHAPE, f"```json\n{text}\n```")
    assert (value, problem) == (
        {"copy": "x", "price (€)": None, "sizes": ["M"], "new": True}, "",
    )  # fmt: skip


def test_every_problem_is_named() -> None:
    text = '{"copy": "x", "sizes": ["XL"], "new": "maybe", "more": 1}'
    value, problem = check_answer(SHAPE, text)
    assert value is None
    lines = problem.splitlines()
    assert [line.split(":")[0] for line in lines] == ["sizes.0", "new", "more"]


def test_json_among_words() -> None:
    text = 'Sure! {"copy": "x", "sizes": [], "new": false} Done.'
    value, problem = check_answer(SHAPE, text)
    assert value is not None
    assert (value["new"], problem) == (False, "")
    assert check_answer(SHAPE, "{" * 5000)[0] is None


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        *[("number", w) for w in ("true", '"NaN"', '"inf"', '"1_000"', '"1e999"', "1e999", "NaN")],
        *[("whole number", w) for w in ("true", "3.5", '"1_000"', "1e999", "[3]")],
        *[("yes or no", w) for w in ("1", "0", "1.0", '"1"', '"on"', '"t"', "null")],
    ],
)
@pytest.mark.parametrize("many", [False, True])
def test_what_only_python_takes_for_it(kind: str, written: str, many: bool) -> None:
    """Python counts true as 1 and reads "nan" as a number; JSON and a person do not."""
    shape = model_of([AnswerField(name="d", type=kind, many=many)])  # type: ignore[arg-type]
    value, problem = check_answer(shape, f'{{"d": {f"[{written}]" if many else written}}}')
    assert value is None
    assert problem


@pytest.mark.parametrize(
    ("kind", "written", "read"),
    [
        ("number", "2", 2.0), ("number", '"0.5"', 0.5), ("number", "-1e3", -1000.0),
        ("whole number", "3.0", 3), ("whole number", '" 3 "', 3),
        ("yes or no", "true", True), ("yes or no", '"No"', False),
    ],
)  # fmt: skip
def test_what_can_mean_one_thing_only(kind: str, written: str, read: object) -> None:
    shape = model_of([AnswerField(name="d", type=kind)])  # type: ignore[arg-type]
    value, problem = check_answer(shape, f'{{"d": {written}}}')
    assert (value, problem) == ({"d": read}, "")
    assert json.dumps(value) == json.dumps({"d": read})
