"""Inputs that have a default get their column in every form of table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.document.model import Flow
from patchbay.flows.problems import FlowError
from tests.flows.batch.kit import json_table, lines_of, over, shouting
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


OPTIONAL = {"i": ("io.input", {"name": "tone", "default": "plain"}), "o": ("io.output", {})}


@pytest.mark.parametrize("columns", ["text,id", "Tone,id", "tones,id"])
async def test_a_table_without_a_column_for_any_input_is_refused(
    tmp_path: Path, columns: str
) -> None:
    """All inputs have defaults: each row would get the same answer, without a word."""
    rows = tmp_path / "a.csv"
    rows.write_text(f"{columns}\na,1\nb,2\n", encoding="utf-8")
    out = tmp_path / "out.jsonl"
    with pytest.raises(FlowError) as refused:
        await over(flow(OPTIONAL, ["i.value > o.value"]), rows, out)
    assert [problem.code for problem in refused.value.problems] == ["batch/unmapped"]
    assert "tone" in str(refused.value)
    given = await over(flow(OPTIONAL, ["i.value > o.value"]), rows, out, shared={"tone": "dry"})
    assert given.rows == 2, "a value for all rows was asked for"


@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
async def test_a_column_of_json_that_is_called_like_an_output_is_not_lost(
    tmp_path: Path, name: str
) -> None:
    """What a person had written as `label` was written over without a word."""
    given = [{"review": "a", "label": "mine"}, {"review": "b"}]
    text = json.dumps(given) if name == "a.json" else "".join(json.dumps(r) + "\n" for r in given)
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(FlowError, match='"label" is a column of the row and an output'):
        await over(shouting(), tmp_path / name, tmp_path / "o.jsonl")
    assert [path.name for path in tmp_path.iterdir()] == [name], "nothing was begun"
    result = await over(shouting(), tmp_path / name, tmp_path / "o.jsonl", keep=("review",))
    assert lines_of(result.output) == [{"review": n.lower(), "label": n} for n in ("A", "B")]


async def test_one_further_down_fails_its_row(tmp_path: Path) -> None:
    given = [{"review": "a"}, {"review": "b", "label": "mine"}, {"review": "c"}]
    rows = json_table(tmp_path / "a.jsonl", given)
    result = await over(shouting(), rows, tmp_path / "o.jsonl")
    assert [row["label"] for row in lines_of(result.output)] == ["A", "C"]
    assert result.failures is not None
    (failed,) = lines_of(result.failures)
    assert (failed["code"], failed["row"], failed["cells"]["label"]) == (
        "batch/same-name", 1, "mine"
    )  # fmt: skip


async def test_a_row_of_json_without_any_input_fails(tmp_path: Path) -> None:
    rows = json_table(tmp_path / "a.jsonl", [{"tone": "dry"}, {"text": "x"}])
    done = await over(flow(OPTIONAL, ["i.value > o.value"]), rows, tmp_path / "out.jsonl")
    assert (done.rows, done.failed) == (1, 1)
    assert done.failures is not None
    assert lines_of(done.failures)[0]["code"] == "batch/unmapped"
