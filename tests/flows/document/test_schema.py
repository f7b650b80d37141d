"""The JSON Schema is the committed one and agrees with the reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from patchbay.flows.document.reading import read_text
from patchbay.flows.document.schema import SCHEMA_FILE, flow_schema
from patchbay.flows.problems import FlowError

FIXTURES = Path(__file__).parents[2] / "fixtures"
SAVED = Path(__file__).parents[3] / "flows" / "saved"
SCHEMA = jsonschema.Draft202012Validator(flow_schema())
FILES = sorted([*FIXTURES.glob("format-1/*.json"), *FIXTURES.glob("broken/*.json"),
                *SAVED.glob("*.json")])  # fmt: skip


def test_the_committed_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(SCHEMA_FILE.read_text()))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_flows_are_valid_against_it(path: Path) -> None:
    SCHEMA.validate(json.loads(path.read_text(encoding="utf-8")))


NODE = {"id": "a", "kind": "k"}


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"format": 2},
        {"format": "1"},
        {"format": 1, "nodes": {}},
        {"format": 1, "nodes": [{"id": "a"}]},
        {"format": 1, "nodes": [{**NODE, "id": "../../x"}]},
        {"format": 1, "nodes": [{**NODE, "disabled": "yes"}]},
        {"format": 1, "nodes": [{**NODE, "version": "1"}]},
        {"format": 1, "nodes": [{**NODE, "extra": 1}]},
        {"format": 1, "nodes": [{**NODE, "run": {"retries": 99}}]},
        {"format": 1, "edges": [{"from": "a.b"}]},
        {"format": 1, "edges": [{"source": "a.b", "target": "c.d"}]},
        {"format": 1, "layout": {"a": {"x": 1}}},
        {"format": 1, "layout": {"a": {"x": "1", "y": 2}}},
        {"format": 1, "name": "a\nb"},
        {"format": 1, "surprise": 1},
    ],
    ids=str,
)
def test_what_it_refuses_the_reader_refuses_too(data: dict[str, Any]) -> None:
    assert not SCHEMA.is_valid(data)
    with pytest.raises(FlowError):
        read_text(json.dumps(data))
