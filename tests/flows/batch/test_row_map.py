"""Inputs that have a default get their column in every form of table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.document.model import Flow
from tests.flows.batch.kit import json_table, lines_of, over
from tests.flows.runs.harness import flow


def toned() -> Flow:
    """Says a review in a tone, which is "plain" unless given."""
    return flow(
        {
            "i": ("io.input", {"name": "review"}),
            "t": ("io.input", {"name": "tone", "default": "plain"}),
            "p": ("prompt.template", {"template": "{x} {y}"}),
            "o": ("io.output", {"name": "label"}),
        },
        ["i.value > p.x", "t.value > p.y", "p.text > o.value"],
    )


ROWS: list[dict[str, Any]] = [
    {"review": "a", "tone": "kind"}, {"review": "b"}, {"review": "c", "tone": "rude"},
]  # fmt: skip


@pytest.mark.parametrize("form", ["jsonl", "json"])
@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, ["a kind", "b plain", "c rude"]),
        ({"keep": ("review",)}, ["a kind", "b plain", "c rude"]),
        ({"shared": {"tone": "calm"}}, ["a calm", "b calm", "c calm"]),
        ({"columns": {"tone": "review"}}, ["a a", "b b", "c c"]),
    ],
)
async def test_a_row_of_json_gives_an_input_with_a_default(
    tmp_path: Path, form: str, more: dict[str, Any], said: list[str]
) -> None:
    rows = json_table(tmp_path / "a.jsonl", ROWS)
    if form == "json":
        rows = tmp_path / "a.json"
        rows.write_text(json.dumps(ROWS), encoding="utf-8")
    result = await over(toned(), rows, tmp_path / "o.jsonl", **more)
    assert [row["label"] for row in lines_of(result.output)] == said


async def test_likewise_of_csv(tmp_path: Path) -> None:
    rows = tmp_path / "a.csv"
    rows.write_text("review,tone\na,kind\nc,rude\n", encoding="utf-8")
    result = await over(toned(), rows, tmp_path / "o.jsonl")
    assert [row["label"] for row in lines_of(result.output)] == ["a kind", "c rude"]
