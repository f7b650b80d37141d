"""The files of a run: of one that has ended, one that waits; written into a folder, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbay.flows.problems import FlowError
from patchbay.flows.runs.events import RunFinished, RunWaiting
from patchbay.flows.runs.files import export_files, files_of
from patchbay.flows.runs.history import History
from patchbay.nodes.written_files import files_in
from tests.nodes.agents.scripted import call
from tests.nodes.agents.test_deep_asks import deep
from tests.nodes.agents.told import Told

pytest.importorskip("deepagents")


@pytest.mark.parametrize(
    ("value", "are"),
    [
        ({"/a.md": "x"}, True),
        ({"/a.md": "x", "/b/c.md": ""}, True),
        ({}, False),
        ({"a.md": "x"}, False),
        ({"/a.md": 1}, False),
        (["/a.md"], False),
        ("/a.md", False),
    ],
)
def test_what_is_taken_for_files(value: object, are: bool) -> None:
    assert (files_in(value) is not None) is are


async def test_a_run_that_waits_has_its_files_and_one_that_ended_too(tmp_path: Path) -> None:
    history = History(f"sqlite:///{tmp_path / 'history.sqlite'}")
    flow = deep(
        [call("write_file", file_path="/a.md", content="one"),
         call("write_file", file_path="/b.md", content="b"),
         call("edit_file", file_path="/a.md", old_string="one", new_string="two"),
         call("delete", file_path="/b.md"), "Done."],
        interrupt_on=[{"tool": "delete"}],
    )  # fmt: skip
    told = Told(history, flow)
    assert isinstance(await told.until_end(), RunWaiting)
    assert files_of(history, told.id) == {"/a.md": "two", "/b.md": "b"}
    assert isinstance(await told.answer("approve"), RunFinished)
    assert files_of(history, told.id) == {"/a.md": "two"}


def test_files_go_into_a_folder_and_over_no_file(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    assert export_files({"/a.md": "é", "/deep/b.md": "b"}, folder) == 3
    assert (folder / "deep" / "b.md").read_text() == "b"
    (folder / "deep" / "b.md").unlink()
    with pytest.raises(FlowError, match="is there already") as error:
        export_files({"/a.md": "x", "/deep/b.md": "b"}, folder)
    assert error.value.problems[0].code == "files/there"
    assert not (folder / "deep" / "b.md").exists(), "all or nothing"


@pytest.mark.parametrize("path", ["/../a", "/a/../../b", "/", "/c:x", "/a\\b"])
def test_a_path_out_of_the_folder_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(FlowError) as error:
        export_files({"/good.md": "x", path: "x"}, tmp_path / "new")
    assert error.value.problems[0].code == "files/outside"
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FlowError) as error:
        export_files({"/a.md": "x"}, tmp_path / "file")
    assert error.value.problems[0].code == "files/write"
