"""The inspector's fields come from the declaration alone."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, get_args

import pytest

from patchbay.flows.document.titles import label_of
from patchbay.nodes.catalog import load_catalog
from patchbay.nodes.contract import Field, Node, NodeParams, Widget
from patchbay.nodes.declaration import node_declaration
from patchbay.nodes.values import SecretRef
from patchbay.studio.inspector.declared import FieldSpec, Shape, described, fields_of, front_of
from patchbay.studio.lenient_json import parse_lenient


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


SOURCES = Path(__file__).parents[2] / "studio" / "canvas" / "frontend" / "src"


def undrawn(words: Iterable[str]) -> dict[str, str]:
    """The widgets among `words` that the canvas does not know, and the file that should."""
    text = (SOURCES / "model.ts").read_text("utf-8")
    known = re.findall(r'"(\w+)"', text.partition("export type Shape =")[2].partition(";")[0])
    return {word: "model.ts" for word in words if word not in known}


def test_every_widget_is_drawn() -> None:
    """What model.ts names, the compiler wants in the table of field.tsx."""
    forgotten = set(get_args(Widget)) - set(get_args(Shape))
    assert not forgotten, f"add {forgotten} to Shape in {inspect.getsourcefile(fields_of)}"
    missing = undrawn([*get_args(Shape), *get_args(Widget)])
    assert not missing, f"nobody draws {missing}: add each to Shape in {SOURCES}/model.ts"
    assert "const WIDGETS: Record<Shape," in (SOURCES / "dock" / "field.tsx").read_text("utf-8")


@pytest.mark.parametrize("word", ["map", "colour", "date", "TEXT", ""])
def test_a_widget_nobody_draws_is_found_and_names_the_file(word: str) -> None:
    assert undrawn([*get_args(Shape), word]) == {word: "model.ts"}


@pytest.mark.parametrize("word", ["map", "colour", "tableau"])
def test_a_widget_nobody_knows_is_drawn_by_type_and_said(word: str) -> None:
    param = {"type": "string", "title": "Where", "widget": word}
    (field,) = fields_of({"params": {"where": param}})
    assert (field.shape, field.unknown) == ("text", word)
    assert described(field)["unknown"] == word


def test_a_field_is_told_without_what_says_nothing() -> None:
    told = {name: described(field) for name, field in fields().items()}
    assert told["text"] == {"name": "text", "label": "Text", "shape": "text", "default": "x"}
    assert told["on"]["default"] is True
    assert told["whole"] | {"minimum": 1, "maximum": 9} == told["whole"]
    assert told["needed"]["required"] is True
    assert told["maybe"]["nullable"] is True
    assert json.loads(json.dumps(told)) == {**told, "pick": {**told["pick"], "choices": ["a", "b"]}}


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


def test_what_is_typed_is_json_or_text() -> None:
    assert parse_lenient("3.5") == (3.5, "")
    assert parse_lenient("plain words") == ("plain words", "")
    assert parse_lenient("  ") == (None, "")
    value, error = parse_lenient('{"a": }')
    assert value is None
    assert "Not JSON" in error


def test_names_become_labels() -> None:
    names = ("base_url", "gpu_layers", "top_p", "k", "timeout_s", "json_schema")
    assert [label_of(name) for name in names] == [
        "Base URL", "GPU layers", "Top p", "K", "Timeout (seconds)", "JSON schema",
    ]  # fmt: skip


def test_a_node_shows_at_most_three_params_in_place() -> None:
    fields = {node.kind: fields_of(node_declaration(node)) for node in load_catalog()}
    ask = fields["model.ask"]
    assert front_of(("system", "temperature", "max_tokens", "seed"), ask) == [
        "system", "temperature", "max_tokens",
    ]  # fmt: skip
    assert front_of(("no_such_param", "seed"), ask) == ["seed"]
    assert front_of("", fields["prompt.few_shot"]) == ["instruction"]  # the first long text
    assert front_of("", fields["io.write_file"]) == []
