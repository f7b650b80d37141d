"""The inspector's fields come from the declaration alone."""

from __future__ import annotations

import inspect
from typing import Literal, get_args

import pytest
from streamlit.testing.v1 import AppTest

from patchbay.nodes.catalog import load_catalog
from patchbay.nodes.contract import Field, Node, NodeParams, Widget
from patchbay.nodes.declaration import node_declaration
from patchbay.nodes.values import SecretRef
from patchbay.studio.inspector.declared import FieldSpec, Shape, fields_of, label_of
from patchbay.studio.inspector.fields import undrawn
from patchbay.studio.inspector.tables import apply_changes, kind_of, value_of
from patchbay.studio.lenient_json import parse_loose


class Pair(NodeParams):
    a: str
    b: str


class Attribute(NodeParams):
    """One field of a schema, as a table's row."""

    name: str
    kind: Literal["text", "number"] = "text"
    required: bool = True
    least: float | None = None
    choices: list[str] = []
    shape: dict[str, int] = {}


class Params(NodeParams):
    text: str = "x"
    long: str = Field("", widget="textarea")
    whole: int = Field(3, ge=1, lt=10)
    part: float = Field(0.5, ge=0, le=1, widget="slider")
    maybe: float | None = None
    on: bool = True
    pick: Literal["a", "b"] = "a"
    words: list[str] = []
    pairs: list[Pair] = Field([])
    schema_rows: list[Attribute] = Field([])
    key: SecretRef | None = None
    weights: str = Field("", widget="model")
    needed: str


def fields() -> dict[str, FieldSpec]:
    schema = Params.model_json_schema()
    described = {
        "params": schema["properties"],
        "definitions": schema["$defs"],
        "required_params": schema["required"],
    }
    return {field.name: field for field in fields_of(described)}


def test_shapes_follow_types_and_widgets() -> None:
    assert {name: field.shape for name, field in fields().items()} == {
        "text": "text", "long": "textarea", "whole": "integer", "part": "slider",
        "maybe": "number", "on": "switch", "pick": "choice", "words": "list", "pairs": "table",
        "schema_rows": "table",
        "key": "secret", "weights": "model", "needed": "text",
    }  # fmt: skip


def test_every_widget_is_drawn() -> None:
    missing = undrawn([*get_args(Shape), *get_args(Widget)])
    assert not missing, f"nobody draws {missing}: add each to DRAWERS of studio/inspector/fields.py"


@pytest.mark.parametrize("word", ["map", "colour", "date", "TEXT", ""])
def test_a_widget_nobody_draws_is_found_and_names_the_file(word: str) -> None:
    assert undrawn([*get_args(Shape), word]) == {word: "fields.py"}


@pytest.mark.parametrize("word", ["map", "colour", "tableau"])
def test_a_widget_nobody_knows_is_drawn_by_type_and_said(word: str) -> None:
    param = {"type": "string", "title": "Where", "widget": word}
    (field,) = fields_of({"params": {"where": param}})
    assert (field.shape, field.unknown) == ("text", word)
    page = AppTest.from_function(draw_one, kwargs={"word": word})
    page.run(timeout=30)
    assert page.text_input[0].label == "Where"
    assert word in page.caption[0].value
    assert not page.exception


def draw_one(word: str) -> None:
    """A page with one field."""
    from patchbay.studio.inspector.declared import FieldSpec
    from patchbay.studio.inspector.fields import draw

    spec = FieldSpec("where", "Where", "", "text", unknown=word)
    draw(spec, "", "p:where", lambda value: None, None)


@pytest.mark.parametrize("node", load_catalog(), ids=lambda node: node.kind)
def test_no_param_is_json_unless_its_node_says_so(node: type[Node]) -> None:
    described = node_declaration(node)
    file = inspect.getsourcefile(node)
    for field in fields_of(described):
        said = described["params"][field.name].get("widget")
        where = f'"{field.name}" in {file}'
        assert field.shape != "json" or said == "json", (
            f"no widget draws {where}; say widget='json'"
        )
        bounded = field.minimum is not None and field.maximum is not None
        assert field.shape != "slider" or bounded, f"{where} is a slider without bounds"


def test_bounds_choices_and_columns_are_known() -> None:
    found = fields()
    assert (found["whole"].minimum, found["whole"].maximum) == (1, 9)
    assert (found["part"].minimum, found["part"].maximum) == (0, 1)
    assert found["pick"].choices == ("a", "b")
    assert list(found["pairs"].columns) == ["a", "b"]
    assert found["maybe"].nullable
    assert found["needed"].required


def test_every_shipped_param_has_a_field() -> None:
    for cls in load_catalog():
        names = [field.name for field in fields_of(node_declaration(cls))]
        assert sorted(names) == sorted(cls.Params.model_fields)


def test_changes_of_a_table_are_put_on_its_rows() -> None:
    base = [{"a": 1}, {"a": 2}, {"a": 3}]
    changes = {
        "edited_rows": {"0": {"a": 9}},
        "added_rows": [{"a": 4}],
        "deleted_rows": [1],
    }
    assert apply_changes(base, changes, ["a"]) == [{"a": 9}, {"a": 3}, {"a": 4}]
    assert base[0] == {"a": 1}


def test_what_is_typed_is_json_or_text() -> None:
    assert parse_loose("3.5") == (3.5, "")
    assert parse_loose("plain words") == ("plain words", "")
    assert parse_loose("  ") == (None, "")
    value, error = parse_loose('{"a": }')
    assert value is None
    assert "Not JSON" in error


def test_cells_of_a_table_are_what_their_schema_says() -> None:
    columns = fields()["schema_rows"].columns
    assert {name: kind_of(schema) for name, schema in columns.items()} == {
        "name": "text", "kind": "choice", "required": "switch", "least": "number",
        "choices": "texts", "shape": "json",
    }  # fmt: skip
    assert [name for name, schema in columns.items() if not schema["optional"]] == ["name"]


def test_rows_become_records_without_what_was_left_empty() -> None:
    spec = fields()["schema_rows"]
    rows = [
        {"name": "price", "kind": "number", "required": False, "least": 0, "choices": ["1", "2"]},
        {"name": "note", "kind": None, "required": None, "least": None, "shape": '{"a": 1}'},
        {"name": None, "kind": "text", "required": True, "choices": []},
    ]
    assert value_of(spec, rows) == [
        {"name": "price", "kind": "number", "required": False, "least": 0, "choices": ["1", "2"]},
        {"name": "note", "shape": {"a": 1}},
    ]


def test_what_must_not_be_empty_begins_with_something() -> None:
    assert value_of(fields()["pairs"], [{"a": "x", "b": None}]) == [{"a": "x", "b": ""}]


def test_names_become_labels() -> None:
    names = ("base_url", "gpu_layers", "top_p", "k", "timeout_s", "json_schema")
    assert [label_of(name) for name in names] == [
        "Base URL", "GPU layers", "Top p", "K", "Timeout (seconds)", "JSON schema",
    ]  # fmt: skip
