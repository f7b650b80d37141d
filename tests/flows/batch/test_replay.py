"""A batch is explained by its manifest, and made again from it; what differs is listed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from patchbay.flows.batch.api import batch, replay
from patchbay.flows.document.writing import save_flow
from patchbay.flows.problems import FlowError
from tests.flows.batch.kit import lines_of, table
from tests.flows.runs.harness import flow

PLAIN = flow(
    {
        "i": ("io.input", {"name": "review"}),
        "p": ("prompt.template", {"template": "Say {x}"}),
        "o": ("io.output", {"name": "label"}),
    },
    ["i.value > p.x", "p.text > o.value"],
    name="Plain",
)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """The manifest of a batch."""
    save_flow(PLAIN, tmp_path / "plain.json")
    rows = table(tmp_path / "a.csv")
    done = batch(tmp_path / "plain.json", rows, tmp_path / "out.jsonl", columns={"review": "text"})
    assert (done.rows, done.failures) == (20, None)
    return tmp_path / "out.manifest.json"


def test_a_manifest_says_what_was_used(made: Path) -> None:
    said = json.loads(made.read_text(encoding="utf-8"))
    assert said["flow"]["name"] == "Plain"
    assert said["settings"]["map"] == {"review": "text"}
    assert said["kinds"]["prompt.template"].startswith("1.")
    assert set(said["versions"]) >= {"pydantic", "langchain-core"}
    assert (said["output"]["rows"], len(said["output"]["sha256"])) == (20, 64)


def test_made_again_nothing_differs(made: Path, tmp_path: Path) -> None:
    assert replay(made, tmp_path / "again.jsonl") == []
    assert lines_of(tmp_path / "again.jsonl") == lines_of(tmp_path / "out.jsonl")


def test_other_rows_versions_and_weights_are_refused_and_named(made: Path, tmp_path: Path) -> None:
    said = json.loads(made.read_text(encoding="utf-8"))
    said["versions"]["pydantic"] = "1.0"
    said["weights"]["model.model"] = "abc"
    made.write_text(json.dumps(said), encoding="utf-8")
    with (tmp_path / "a.csv").open("a", encoding="utf-8") as file:
        file.write("20,one more,\n")
    with pytest.raises(FlowError) as refused:
        replay(made, tmp_path / "again.jsonl")
    (problem,) = refused.value.problems
    assert problem.code == "batch/changed"
    for words in ("the version of pydantic: 1.0 then", "the weights at model.model", "the rows of"):
        assert words in problem.message


def test_what_differs_is_listed_row_by_row(made: Path, tmp_path: Path) -> None:
    text = (tmp_path / "a.csv").read_text(encoding="utf-8").replace('review, no ""3""', "other")
    (tmp_path / "a.csv").write_text(text + "20,one more,\n", encoding="utf-8")
    found = replay(made, tmp_path / "again.jsonl", anyway=True)
    assert found[0] == "21 rows, and 20 then"
    assert found[1].startswith("row 4: text: ")
    assert 'label: "Say review, no' in found[1]
    assert found[2] == "row 21: is there only now"


def test_without_the_output_of_then_rows_cannot_be_compared(made: Path, tmp_path: Path) -> None:
    shutil.move(tmp_path / "out.jsonl", tmp_path / "gone.jsonl")
    assert replay(made, tmp_path / "again.jsonl") == []
    (tmp_path / "a.csv").write_text("id,text,note\n1,other,\n", encoding="utf-8")
    found = replay(made, tmp_path / "third.jsonl", anyway=True)
    assert "is not there as it was" in found[-1]


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ("{}", "a.json is no manifest"),
        ("id,text\n1,a\n", "a.json is no manifest"),
        ("[1]", "a.json is no manifest"),
        ("[" * 100_000, "a.json is no manifest"),
        (None, "a.json cannot be read: No such file"),
    ],
)
def test_what_is_no_manifest(tmp_path: Path, held: str | None, said: str) -> None:
    if held is not None:
        (tmp_path / "a.json").write_text(held, encoding="utf-8")
    with pytest.raises(FlowError, match=said) as refused:
        replay(tmp_path / "a.json", tmp_path / "o.jsonl")
    assert refused.value.problems[0].code == "batch/manifest"
    assert not (tmp_path / "o.jsonl.batch").exists()
