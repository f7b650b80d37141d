"""Params that are rows: lists of texts, names with a word each, and tables of small records."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from patchbay.studio.inspector.declared import FieldSpec
from patchbay.studio.lenient_json import parse_loose
from patchbay.studio.server import session
from patchbay.studio.words import plain

Write = Callable[[Any], None]
"""Takes the new value of a param."""

TableRow = dict[str, Any]


def label_of(spec: FieldSpec) -> str:
    """What stands above the widget of a field."""
    return f"{plain(spec.label)} *" if spec.required else plain(spec.label)


def draw_table(spec: FieldSpec, value: Any, name: str, write: Write) -> bool:
    """Draw an editable table; False, and nothing drawn, where the value is not rows."""
    rows = _rows(spec, value)
    if rows is None:
        return False
    # The editor reports changes against the rows it started with, so those must not move under it.
    key = session.widget_key(name, value)
    base: list[TableRow] = session.once(f"{key}:base", lambda: rows)
    columns = column_schemas(spec)

    def changed() -> None:
        new = value_of(spec, apply_changes(base, st.session_state[key], list(columns)))
        if session.widget_gave(name, key, new):
            write(new)

    st.markdown(label_of(spec), help=spec.doc)
    st.data_editor(
        _frame(base, columns), key=key, num_rows="dynamic", hide_index=True, on_change=changed,
        column_config={column: _column(column, schema) for column, schema in columns.items()},
    )  # fmt: skip
    return True


def column_schemas(spec: FieldSpec) -> dict[str, Any]:
    """The columns of a field and the JSON Schema of their cells."""
    return dict(spec.columns) or {"value": {"type": "string"}}


def kind_of(schema: Mapping[str, Any]) -> str:
    """What a cell holds: choice, whole, number, switch, text, texts, or json for anything else."""
    if "enum" in schema:
        return "choice"
    items = schema.get("items", {})
    if schema.get("type") == "array" and items.get("type") == "string" and "enum" not in items:
        return "texts"
    kinds = {"integer": "whole", "number": "number", "boolean": "switch", "string": "text"}
    return kinds.get(str(schema.get("type")), "json")


# --- the editor ---------------------------------------------------------------------------------

_DTYPES = {"whole": "Int64", "number": "Float64", "switch": "boolean"}


def _frame(rows: list[TableRow], columns: Mapping[str, Any]) -> Any:
    """The rows as the editor wants them: each column of one type, even where it is empty."""
    import pandas as pd

    return pd.DataFrame(
        {
            name: pd.Series(
                [_cell(row.get(name, schema.get("default")), schema) for row in rows],
                dtype=_DTYPES.get(kind_of(schema), "object"),
            )
            for name, schema in columns.items()
        }
    )


def _cell(value: Any, schema: Mapping[str, Any]) -> Any:
    """What the editor shows; None for what does not fit the column."""
    kind = kind_of(schema)
    if value is None:
        return None
    if kind == "texts":
        return [str(item) for item in value] if isinstance(value, list) else None
    if kind == "json":
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if kind in ("whole", "number"):
        fits = isinstance(value, (int, float)) and not isinstance(value, bool)
        return value if fits and (kind == "number" or float(value).is_integer()) else None
    if kind == "switch":
        return value if isinstance(value, bool) else None
    return str(value)


def _column(name: str, schema: Mapping[str, Any]) -> Any:
    label, doc = name.replace("_", " "), schema.get("description")
    kind, empty = kind_of(schema), schema.get("optional", True)
    default = schema.get("default")
    if kind == "choice":
        options = list(schema["enum"])
        default = default if default in options else None if empty else options[0]
        return st.column_config.SelectboxColumn(
            label, options=options, required=not empty, default=default, help=doc
        )
    if kind in ("whole", "number"):
        return st.column_config.NumberColumn(
            label, help=doc, default=default, step=1 if kind == "whole" else None,
            min_value=schema.get("minimum"), max_value=schema.get("maximum"),
        )  # fmt: skip
    if kind == "switch":
        return st.column_config.CheckboxColumn(label, help=doc, default=bool(default))
    if kind == "texts":
        return st.column_config.ListColumn(label, help=doc)
    return st.column_config.TextColumn(label, help=doc, max_chars=schema.get("maxLength"))


def apply_changes(
    base: list[TableRow], changes: Mapping[str, Any], columns: list[str]
) -> list[TableRow]:
    """The rows of a data editor after its changes (`edited_rows`, `added_rows`, `deleted_rows`)."""
    rows = [dict(row) for row in base]
    for index, cells in changes.get("edited_rows", {}).items():
        rows[int(index)].update(cells)
    gone = set(changes.get("deleted_rows", ()))
    rows = [row for index, row in enumerate(rows) if index not in gone]
    added = changes.get("added_rows", ())
    return rows + [{k: row.get(k) for k in columns} for row in added]


# --- between rows and the value -----------------------------------------------------------------


def _rows(spec: FieldSpec, value: Any) -> list[TableRow] | None:
    """The value as rows of a table; None where it is not what it should be."""
    value = value if value is not None else []
    if spec.shape == "mapping" and isinstance(value, dict):
        return [{"name": key, "type": item} for key, item in value.items()]
    if spec.shape == "list" and isinstance(value, list):
        return (
            [{"value": item} for item in value] if all(isinstance(i, str) for i in value) else None
        )
    if spec.shape == "table" and isinstance(value, list):
        return [dict(row) for row in value] if all(isinstance(r, dict) for r in value) else None
    return [] if not value else None


def value_of(spec: FieldSpec, rows: list[TableRow]) -> Any:
    """The param that the rows of an editor say, without rows in which nothing was filled in."""
    if spec.shape == "mapping":
        first = next(iter(spec.columns.get("type", {}).get("enum", ["any"])))
        return {str(r["name"]): r.get("type") or first for r in rows if r.get("name")}
    if spec.shape == "list":
        return [str(r["value"]) for r in rows if r.get("value") not in (None, "")]
    return [_record(spec, row) for row in rows if _filled(spec, row)]


def _filled(spec: FieldSpec, row: TableRow) -> bool:
    """Whether a person wrote something: a switch or a choice has a value from the beginning."""
    said = [n for n, schema in spec.columns.items() if kind_of(schema) not in ("switch", "choice")]
    return any(row.get(name) not in (None, "", []) for name in said or spec.columns)


def _record(spec: FieldSpec, row: TableRow) -> TableRow:
    """One row as the param stores it. An empty cell that may be left out is left out."""
    record: TableRow = {}
    for name, schema in spec.columns.items():
        cell, kind = row.get(name), kind_of(schema)
        if kind == "json" and isinstance(cell, str):
            cell, _ = parse_loose(cell)
        if cell not in (None, "", []):
            record[name] = cell
        elif not schema.get("optional", False) and kind in _EMPTY:
            record[name] = _EMPTY[kind]
        elif not schema.get("optional", False) and kind == "choice":
            record[name] = schema["enum"][0]
    return record


_EMPTY: Mapping[str, Any] = {"text": "", "switch": False, "texts": []}
