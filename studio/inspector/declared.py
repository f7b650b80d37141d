"""The params of a kind as fields of a form, read from the JSON Schema of its declaration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from patchbay.flows.document.titles import label_of
from patchbay.nodes.contract import Widget

Schema = Mapping[str, Any]

Shape = Literal[
    "text", "textarea", "code", "integer", "number", "slider", "choice", "switch", "list", "table",
    "mapping", "json", "secret", "file", "folder", "model", "adapter", "flow",
]  # fmt: skip
"""Which widget draws a param. `list` is of texts, `table` of small records, `mapping` from names to
one of a few words; `json` is for what has no widget of its own."""


@dataclass(frozen=True)
class FieldSpec:
    """One param. `shape` says which widget draws it.

    `unknown` is the widget that the declaration asks for and nobody draws; "" almost always.
    """

    name: str
    label: str
    doc: str
    shape: Shape
    default: Any = None
    required: bool = False
    nullable: bool = False
    minimum: float | None = None
    maximum: float | None = None
    max_length: int | None = None
    choices: tuple[Any, ...] = ()
    columns: Mapping[str, Schema] = field(default_factory=dict)
    unknown: str = ""


def fields_of(described: Mapping[str, Any]) -> list[FieldSpec]:
    """The fields of a kind, given `patchbay.nodes.declaration.node_declaration` of it."""
    definitions = described.get("definitions", {})
    required = set(described.get("required_params", ()))
    return [
        _field(name, schema, definitions, name in required)
        for name, schema in described["params"].items()
    ]


def _field(name: str, schema: Schema, definitions: Schema, required: bool) -> FieldSpec:
    inner, nullable = _unwrapped(schema, definitions)
    kind = inner.get("type")
    widget = schema.get("widget") or inner.get("widget") or ""
    asked = next((word for word in get_args(Widget) if word == widget), None)
    shape: Shape = asked or _shape(inner, definitions)
    minimum, maximum = _bounds(inner, whole=kind == "integer")
    items = _resolved(inner.get("items", {}), definitions)
    return FieldSpec(
        name=name,
        label=label_of(name),
        doc=schema.get("description") or inner.get("description") or "",
        shape=shape,
        default=schema.get("default"),
        required=required,
        nullable=nullable,
        minimum=minimum,
        maximum=maximum,
        max_length=inner.get("maxLength"),
        choices=_choices(inner),
        columns=_columns(shape, inner, items, definitions),
        unknown=str(widget) if widget and not asked else "",
    )


FRONT = 3
"""How many params a node has room for."""


def front_of(named: str | Sequence[str], fields: Sequence[FieldSpec]) -> list[str]:
    """The params that can be edited on the node: those that the kind names, else a long text."""
    there = {spec.name for spec in fields}
    wanted = [named] if isinstance(named, str) else list(named)
    if known := [name for name in wanted if name in there]:
        return known[:FRONT]
    long = (spec for spec in fields if spec.shape in ("textarea", "code"))
    return [spec.name for spec in long if spec.required or spec.default][:1]


def _unwrapped(schema: Schema, definitions: Schema) -> tuple[Schema, bool]:
    """The schema without `null` among its alternatives, and whether it was there."""
    schema = _resolved(schema, definitions)
    options = schema.get("anyOf")
    if not options:
        return schema, False
    rest = [_resolved(o, definitions) for o in options if o.get("type") != "null"]
    nullable = len(rest) < len(options)
    if len(rest) == 1:
        return {**rest[0], **{k: v for k, v in schema.items() if k != "anyOf"}}, nullable
    return {k: v for k, v in schema.items() if k != "anyOf"}, nullable


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return schema
    target = definitions.get(reference.rpartition("/")[2], {})
    return {**target, "ref": reference.rpartition("/")[2], **schema}


def _shape(schema: Schema, definitions: Schema) -> Shape:
    """What the type says."""
    if schema.get("ref") == "SecretRef":
        return "secret"
    kind = schema.get("type")
    if "enum" in schema or "const" in schema:
        return "choice"
    if kind == "boolean":
        return "switch"
    if kind == "integer":
        return "integer"
    if kind == "number":
        return "number"
    if kind == "string":
        return "text"
    if kind == "array":
        items = _resolved(schema.get("items", {}), definitions)
        if items.get("type") == "string" and "enum" not in items:
            return "list"
        if items.get("type") == "object" and items.get("properties"):
            return "table"
    extra = schema.get("additionalProperties")
    if kind == "object" and isinstance(extra, Mapping) and not schema.get("properties"):
        inner = _resolved(extra, definitions)
        if inner.get("type") == "string":
            return "mapping"
    return "json"


def _bounds(schema: Schema, whole: bool) -> tuple[float | None, float | None]:
    """Inclusive bounds. Of an open bound of a whole number the next one; else as it stands."""
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is None and (edge := schema.get("exclusiveMinimum")) is not None:
        low = edge + 1 if whole else edge
    if high is None and (edge := schema.get("exclusiveMaximum")) is not None:
        high = edge - 1 if whole else edge
    return low, high


def _choices(schema: Schema) -> tuple[Any, ...]:
    if "const" in schema:
        return (schema["const"],)
    return tuple(schema.get("enum", ()))


def _columns(shape: Shape, schema: Schema, items: Schema, definitions: Schema) -> dict[str, Schema]:
    if shape == "table":
        required = set(items.get("required", ()))
        return {
            name: _cell(schema, definitions, name in required)
            for name, schema in items["properties"].items()
        }
    if shape == "mapping":
        value = _resolved(schema["additionalProperties"], definitions)
        cells = {"name": {"type": "string"}, "type": value}
        return {name: {**cell, "optional": False} for name, cell in cells.items()}
    return {}


def _cell(schema: Schema, definitions: Schema, required: bool) -> Schema:
    """The schema of a table's cell, and under `optional` whether it may stay empty."""
    inner, nullable = _unwrapped(schema, definitions)
    return {**inner, "optional": nullable or not required}


def described(spec: FieldSpec) -> dict[str, Any]:
    """A field as the browser gets it: what says nothing is left out."""
    said = {key: value for key, value in asdict(spec).items() if value not in (None, "", (), {})}
    return {key: value for key, value in said.items() if value is not False or key == "default"}
