"""What a job is sent with: which flows and files. What jobs make of it: `cli/test_sent.py`."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbay.flows.batch.manifest import BatchSettings
from patchbay.flows.batch.sent import JobReads, refuse_changed, write_sent
from patchbay.flows.batch.slurm_batch import asked_by
from patchbay.flows.document.reading import SENT
from patchbay.flows.document.writing import save_flow
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.running import LoadedFlow
from tests.flows.runs.harness import flow


def model(weights: str, **more: object) -> LoadedFlow:
    nodes = {"m": ("model.gguf", {"weights": weights, **more})}
    return LoadedFlow(flow(nodes), Path("/nowhere"))


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This is a job, and this the file of what was sent."""
    monkeypatch.setenv(SENT, str(tmp_path / "sent.json"))
    return tmp_path / "sent.json"


def test_own_weights_count_and_fetched_ones_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Path
) -> None:
    monkeypatch.setenv("PATCHBAY_WEIGHTS", str(tmp_path / "weights"))
    fetched = tmp_path / "weights/hf/a/b/main/m.gguf"
    for path in (fetched, own := tmp_path / "m.gguf"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"weights")
    asked = JobReads([model(str(own)), model("hf:a/b/m.gguf")])
    found = asked.as_dict("Send it again.")
    assert list(found["files"]) == [str(own)]
    write_sent(found, said)
    refuse_changed()
    own.write_bytes(b"others!")
    with pytest.raises(FlowError, match=r"m\.gguf"):
        refuse_changed()


def test_each_flow_once_and_each_file(tmp_path: Path) -> None:
    inner = flow({"i": ("io.input", {"name": "x"}), "o": ("io.output", {"name": "y"})},
                 ["i.value > o.value"])  # fmt: skip
    save_flow(inner, tmp_path / "inner.json")
    (tmp_path / "a.png").write_bytes(b"no picture")
    each = ("logic.for_each", {"flow": "inner", "input": "x", "output": "y"})
    nodes = {"e": each, "f": each, "d": ("io.input", {"name": "z", "kind": "file",
                                                      "default": "a.png"})}  # fmt: skip
    save_flow(flow(nodes), tmp_path / "f.json")
    rows = tmp_path / "pictures"
    rows.mkdir()
    settings = BatchSettings(str(rows), shared={"z": str(tmp_path / "a.png")})
    from patchbay.flows.batch.api import BatchOrder

    order = BatchOrder(LoadedFlow(flow(nodes), tmp_path, tmp_path / "f.json"), settings, "o.jsonl")
    found = asked_by(order).as_dict("")
    assert list(found["flows"]) == [str(tmp_path / "f.json"), str(tmp_path / "inner.json")]
    assert list(found["files"]) == [str(rows), str(tmp_path / "a.png")]


def test_rows_that_are_a_folder(tmp_path: Path, said: Path) -> None:
    rows = tmp_path / "pictures"
    rows.mkdir()
    write_sent(JobReads([], [rows]).as_dict(""), said)
    refuse_changed()
    (rows / "a.png").write_bytes(b"new")
    with pytest.raises(FlowError, match="pictures"):
        refuse_changed()


def test_a_flow_that_is_not_saved_is_sent_as_it_is_open(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    save_flow(flow({"i": "io.input"}), path)
    asked = JobReads([LoadedFlow(flow({}), tmp_path, path)], texts={path: "what is open"})
    assert asked.as_dict("")["flows"] == {str(path): "what is open"}
