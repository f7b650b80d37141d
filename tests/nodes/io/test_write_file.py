"""Write file: below a declared folder, and nowhere else."""

from __future__ import annotations

import base64
import errno
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.flows.runs.events import RunFinished
from patchbay.flows.runs.history import History
from patchbay.flows.runs.running import Run
from patchbay.nodes.contract import NodeError
from patchbay.nodes.io import write_file
from patchbay.nodes.io.write_file import ROOTS, WriteFile
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.values import Document, Picture, Table
from tests.flows.runs.harness import environment, flow
from tests.stores import url_of


def written(beside: Path, value: Any, name: str | None = None, **params: Any) -> Path:
    outputs = run_node(
        WriteFile, params, {"value": value, "name": name}, RecordingContext(folder=beside)
    )
    path = Path(outputs["path"])
    assert outputs["file"].size == path.stat().st_size
    return path


PNG = Picture(media="image/png", data=base64.b64encode(b"\x89PNG").decode())
TABLE = Table(columns=("a", "b"), rows=((1, "x,y"), (None, {"c": 1})))


@pytest.mark.parametrize(
    ("value", "name", "content"),
    [
        ("Größe\n", "a.txt", "Größe\n".encode()),
        ({"a": [1, 2.5]}, "a.json", b'{\n  "a": [\n    1,\n    2.5\n  ]\n}\n'),
        (TABLE, "a.csv", b'a,b\n1,"x,y"\n,"{""c"": 1}"\n'),
        ([{"a": 1}, {"b": 2}], "a.csv", b"a,b\n1,\n,2\n"),
        ([{"a": 1}, "x"], "a.jsonl", b'{"a": 1}\n"x"\n'),
        ([Document(text="one"), Document(text="two")], "a.md", b"one\n\ntwo"),
        (3.0, "a.txt", b"3"),
        (PNG, "a.png", b"\x89PNG"),
    ],
)
def test_values_by_their_ending(tmp_path: Path, value: Any, name: str, content: bytes):
    path = written(tmp_path, value, name)
    assert path == tmp_path / "output" / name
    assert path.read_bytes() == content


def test_what_happens_where_there_is_one(tmp_path: Path):
    assert written(tmp_path, "1").name == "result.txt"
    assert written(tmp_path, "2").name == "result-2.txt"
    assert written(tmp_path, "3", if_there="append").read_text() == "13"
    assert written(tmp_path, "4", if_there="replace").read_text() == "4"
    with pytest.raises(NodeError, match="already"):
        written(tmp_path, "5", if_there="fail")


OUTSIDE = [
    "../x.txt",
    "/etc/x.txt",
    "a/../../x.txt",
    ".ssh/authorized_keys",
    "a\\b",
    "C:x",
    "",
    "a/.b",
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_no_name_leads_out(tmp_path: Path, name: str):
    with pytest.raises(NodeError) as failure:
        written(tmp_path, "x", name)
    assert failure.value.code == "io/not-written"
    with pytest.raises(ValidationError):
        WriteFile.Params(name=name)
    assert list(tmp_path.rglob("*")) == []


def test_no_link_leads_out(tmp_path: Path):
    flow, other = tmp_path / "flow", tmp_path / "other"
    (flow / "output").mkdir(parents=True)
    other.mkdir()
    (other / "file").write_text("mine")
    (flow / "output" / "way").symlink_to(other)
    (flow / "output" / "file").symlink_to(other / "file")
    for name in ("way/x.txt", "file"):
        with pytest.raises(NodeError, match="leads out of the folder"):
            written(flow, "x", name, if_there="replace")
    assert (other / "file").read_text() == "mine"
    assert [path.name for path in other.iterdir()] == ["file"]


@pytest.mark.parametrize("folder", ["..", "../x", "", ".", "a/../..", ".git/hooks"])
def test_the_folder_lies_beside_the_flow(folder: str):
    with pytest.raises(ValidationError):
        WriteFile.Params(folder=folder)


def test_another_folder_only_where_a_person_has_listed_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    other = tmp_path / "other"
    with pytest.raises(NodeError, match="nobody allows") as failure:
        written(tmp_path, "x", folder=str(other))
    assert ROOTS in failure.value.fix
    monkeypatch.setenv(ROOTS, str(tmp_path))
    assert written(tmp_path, "x", folder=str(other)).parent == other


@pytest.mark.parametrize("if_there", ["number", "append", "fail"])
def test_many_at_once_lose_nothing(tmp_path: Path, if_there: str):
    """As the items of For each do, which run side by side."""

    def one(number: int) -> str:
        try:
            ctx = RecordingContext(folder=tmp_path)
            run_node(WriteFile, {"if_there": if_there}, {"value": f"{number}\n", "name": None}, ctx)
        except NodeError:
            return "refused"
        return "written"

    with ThreadPoolExecutor(8) as pool:
        ends = list(pool.map(one, range(40)))
    folder = tmp_path / "output"
    lines = sorted(line for file in folder.iterdir() for line in file.read_text().splitlines())
    if if_there == "fail":
        assert ends.count("written") == 1
        assert len(lines) == 1
    else:
        assert lines == sorted(str(number) for number in range(40))
    assert len(list(folder.iterdir())) == (40 if if_there == "number" else 1)


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    whole = written(tmp_path, "1", if_there="append")
    monkeypatch.setattr(write_file, "write_atomic", _full)
    for if_there in ("number", "fail"):
        with pytest.raises(NodeError, match="No space left"):
            written(tmp_path, "2", "new.txt", if_there=if_there)
    assert [file.name for file in whole.parent.iterdir()] == ["result.txt"]
    assert whole.read_text() == "1"


def _full(*_: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


async def test_a_file_is_written_once_in_a_run(tmp_path: Path):
    document = flow(
        {
            "w": ("io.write_file", {"if_there": "append"}),
            "t": ("test.text", {"text": "x"}),
            "o": ("io.output", {"name": "o"}),
        },
        ["t.text > w.value", "w.path > o.value"],
    )
    history = History(url_of(tmp_path / "history.sqlite"))
    run = Run(document, {}, replace(environment(), folder=tmp_path))
    run.add_sink(history.recorder(run.id, document, tmp_path))
    ended = [event async for event in run.events()][-1]
    assert isinstance(ended, RunFinished), ended
    [step] = history.steps(run.id, "w")
    assert json.loads(step.value)[0] == ended.outputs["o"]
    history.close()
