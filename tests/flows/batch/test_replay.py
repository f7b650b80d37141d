"""A batch is explained by its manifest, and made again from it; what differs is listed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.batch.api import batch, replay
from patchbay.flows.document.model import Flow
from patchbay.flows.document.writing import save_flow
from patchbay.flows.problems import FlowError
from tests.flows.batch.kit import json_table, lines_of, table
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


def _begun_here(where: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch in a folder, all of it named by relative paths."""
    (where / "out").mkdir(parents=True)
    monkeypatch.chdir(where)
    save_flow(PLAIN, where / "plain.json")
    table(where / "a.csv")
    batch("plain.json", "a.csv", "out/labels.jsonl", columns={"review": "text"})


@pytest.mark.parametrize("moved", [False, True])
def test_it_is_made_again_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moved: bool
) -> None:
    """Its rows were called others, since they were looked for in the folder at hand."""
    where = tmp_path / "work"
    _begun_here(where, monkeypatch)
    monkeypatch.chdir(tmp_path)
    if moved:
        shutil.move(where, tmp_path / "archive")
        where = tmp_path / "archive"
    assert replay(where / "out" / "labels.manifest.json", tmp_path / "again.jsonl") == []
    (where / "out" / "labels.jsonl").unlink()
    found = replay(where / "out" / "labels.manifest.json", tmp_path / "third.jsonl")
    assert found == []  # its hash is what it was


def test_the_output_of_then_is_found_beside_its_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = tmp_path / "work"
    _begun_here(where, monkeypatch)
    monkeypatch.chdir(tmp_path)
    with (where / "a.csv").open("a", encoding="utf-8") as file:
        file.write("20,one more,\n")
    manifest = where / "out" / "labels.manifest.json"
    found = replay(manifest, tmp_path / "again.jsonl", anyway=True)
    assert found == ["21 rows, and 20 then", "row 21: is there only now"]


def test_rows_that_have_gone_are_said_to_have_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = tmp_path / "work"
    _begun_here(where, monkeypatch)
    (where / "a.csv").unlink()
    with pytest.raises(FlowError, match=r"the rows, a\.csv, are not here"):
        replay("out/labels.manifest.json", "again.jsonl")


def test_one_that_was_stopped_goes_on(made: Path, tmp_path: Path) -> None:
    """`--resume` was passed over, so that it could not."""
    from patchbay.flows.batch.spool import Spool

    again = tmp_path / "again.jsonl"
    spool = Spool(str(again))
    spool.begin({k: v for k, v in json.loads(made.read_text()).items() if k != "output"})
    spool.put(0, b'{"id": "0", "text": "mine", "note": "", "label": "mine"}\n')
    spool.commit()
    spool.close()
    with pytest.raises(FlowError, match="has not ended"):
        replay(made, again)
    found = replay(made, again, resume=True)
    assert len(lines_of(again)) == 20
    assert [line.partition(":")[0] for line in found] == ["row 1"]


OUTPUTS = ["o.jsonl", "o.csv", "o.tsv", "o.parquet", "sqlite:///{at}/o.db#labels"]


@pytest.mark.parametrize("first", OUTPUTS)
@pytest.mark.parametrize("second", OUTPUTS)
def test_outputs_of_any_two_forms_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str, second: str
) -> None:
    """Every row differed from CSV to JSON Lines, and what was in a database was never there."""
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    save_flow(PLAIN, tmp_path / "plain.json")
    given = [
        {"review": "a", "n": 1, "half": 1.5, "yes": True, "many": [1, {"b": None}], "none": None},
        {"review": "", "n": 2, "half": 2, "yes": False, "many": [], "none": None},
        {"review": "c,d", "n": 2**53 + 1, "half": 0.1, "yes": True, "many": "nan", "none": None},
    ]
    rows = json_table(tmp_path / "rows.jsonl", given)
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    outputs = [
        one.format(at=where) if "://" in one else str(tmp_path / where / one)
        for one, where in ((first, "one"), (second, "two"), (second, "three"))
    ]
    batch("plain.json", rows, outputs[0])
    name = "labels" if "://" in first else "o"
    manifest = tmp_path / "one" / f"{name}.manifest.json"
    assert replay(manifest, outputs[1]) == []
    given[1]["review"] = "other"
    json_table(rows, given)
    (tmp_path / "three").mkdir()
    found = replay(manifest, outputs[2], anyway=True)
    assert [line.partition(":")[0] for line in found] == ["row 2"]


# --- what is read beside the rows ----------------------------------------------------------------


def _loading(path: str) -> Flow:
    """A flow that reads a file of its own."""
    return flow(
        {
            "i": ("io.input", {"name": "review"}),
            "l": ("retrieval.load", {"path": path}),
            "f": ("prompt.template", {"template": "{x} of {y}"}),
            "o": ("io.output", {"name": "label"}),
        },
        ["i.value > f.x", "l.documents > f.y", "f.text > o.value"],
    )


def _with_file(folder: Path) -> dict[str, Any]:
    save_flow(_loading("notes.txt"), folder / "f.json")
    return {}


def _with_folder(folder: Path) -> dict[str, Any]:
    (folder / "notes").mkdir()
    shutil.copy(folder / "notes.txt", folder / "notes" / "a.txt")
    save_flow(_loading("notes"), folder / "f.json")
    return {}


def _with_input(folder: Path) -> dict[str, Any]:
    document = flow(
        {
            "i": ("io.input", {"name": "review"}),
            "n": ("io.input", {"name": "notes", "kind": "documents"}),
            "f": ("prompt.template", {"template": "{x} of {y}"}),
            "o": ("io.output", {"name": "label"}),
        },
        ["i.value > f.x", "n.value > f.y", "f.text > o.value"],
    )
    save_flow(document, folder / "f.json")
    return {"inputs": {"notes": str(folder / "notes.txt")}}


def _with_subflow(folder: Path) -> dict[str, Any]:
    save_flow(_loading("notes.txt"), folder / "inner.json")
    document = flow(
        {
            "i": ("io.input", {"name": "review"}),
            "s": (
                "logic.run_flow",
                {"flow": "inner.json", "inputs": {"review": "text"}, "outputs": {"label": "text"}},
            ),
            "o": ("io.output", {"name": "label"}),
        },
        ["i.value > s.review", "s.label > o.value"],
    )
    save_flow(document, folder / "f.json")
    return {}


def _with_table(folder: Path) -> dict[str, Any]:
    tables = [{"name": "notes", "file": "notes.csv"}]
    (folder / "notes.txt").rename(folder / "notes.csv")
    document = flow(
        {
            "i": ("io.input", {"name": "review"}),
            "q": ("data.sql", {"tables": tables, "query": "select :x as x from notes"}),
            "o": ("io.output", {"name": "label"}),
        },
        ["i.value > q.x", "q.rows > o.value"],
    )
    save_flow(document, folder / "f.json")
    return {}


@pytest.mark.parametrize(
    "make", [_with_file, _with_folder, _with_input, _with_subflow, _with_table]
)
def test_files_that_the_flow_reads_are_known_by_what_they_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], dict[str, Any]]
) -> None:
    """A changed one was read, and half of the rows could come of the one, half of the other."""
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    (tmp_path / "notes.txt").write_text("a,b\n1,2\n", encoding="utf-8")
    more = {"columns": {"review": "text"}, **make(tmp_path)}
    rows = table(tmp_path / "rows.csv", 2)
    done = batch(tmp_path / "f.json", rows, tmp_path / "out.jsonl", **more)
    assert (done.rows, done.failed) == (2, 0), done.failures
    manifest = tmp_path / "out.manifest.json"
    assert replay(manifest, tmp_path / "again.jsonl") == []
    for path in tmp_path.rglob("*"):
        if path.name in ("notes.txt", "notes.csv", "a.txt"):
            path.write_text("a,b\n3,4\n", encoding="utf-8")
    with pytest.raises(FlowError, match=r"what is read at .* then, .* now"):
        replay(manifest, tmp_path / "third.jsonl")
