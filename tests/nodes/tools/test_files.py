"""Reading below a folder, and every way out of it that is closed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.testing import RecordingContext
from patchbay.nodes.tools.files import ReadFiles
from patchbay.nodes.tools.folder import FolderProblem
from tests.nodes.tools.kit import called, tool_of


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "open"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.txt").write_text("Größe 10", encoding="utf-8")
    (folder / "deep" / "b.md").write_text("# deep", encoding="utf-8")
    (folder / ".hidden").write_text("not listed")
    (folder / "picture.png").write_bytes(b"\x89PNG\0\1\2\xff")
    (tmp_path / "secret.txt").write_text("secret")
    return folder


async def read(root: Path, path: str, **params: object) -> str:
    return await called(tool_of(ReadFiles, {"root": str(root), **params}), path=path)


async def test_it_reads_and_lists(root: Path):
    assert await read(root, "a.txt") == "Größe 10"
    assert await read(root, "deep/../deep/b.md") == "# deep"
    assert await read(root, ".") == "There are: a.txt, deep/, picture.png."
    assert await read(root, "deep") == "There are: deep/b.md."


async def test_a_long_file_is_cut_and_says_so(root: Path):
    (root / "long.txt").write_text("é" * 200, encoding="utf-8")
    text = await read(root, "long.txt", limit=101)
    assert text == "é" * 50 + "\n… (cut after 101 bytes)"


@pytest.mark.parametrize(
    "path",
    ["../secret.txt", "deep/../../secret.txt", "/etc/passwd", "..", "a.txt/../../secret.txt"],
)
async def test_no_path_leads_out(root: Path, path: str):
    with pytest.raises(FolderProblem, match=r"outside of the folder") as failure:
        await read(root, path)
    assert "secret" not in str(failure.value).replace(path, "")


async def test_no_link_leads_out(root: Path, tmp_path: Path):
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    (root / "up").symlink_to(tmp_path)
    (root / "inner.txt").symlink_to(root / "a.txt")
    for path in ("link.txt", "up/secret.txt", "up"):
        with pytest.raises(FolderProblem, match="outside"):
            await read(root, path)
    assert await read(root, "inner.txt") == "Größe 10"


async def test_the_folder_itself_may_be_a_link(root: Path, tmp_path: Path):
    (tmp_path / "alias").symlink_to(root)
    assert await read(tmp_path / "alias", "a.txt") == "Größe 10"


async def test_what_is_not_a_text_file(root: Path):
    os.mkfifo(root / "pipe")
    with pytest.raises(FolderProblem, match="not a text file"):
        await read(root, "picture.png")
    with pytest.raises(FolderProblem, match="not a plain file"):
        await read(root, "pipe")
    with pytest.raises(FolderProblem, match=r"no file 'c.txt'. There are: a.txt, deep/"):
        await read(root, "c.txt")
    with pytest.raises(FolderProblem, match="not a path"):
        await read(root, "a\0b")


def test_a_folder_that_is_missing():
    with pytest.raises(NodeError, match="No folder is named"):
        tool_of(ReadFiles)
    with pytest.raises(NodeError, match="There is no folder"):
        tool_of(ReadFiles, {"root": "/no/such/folder"}).bind(RecordingContext())


async def test_a_relative_folder_starts_at_the_flows(root: Path):
    tool = tool_of(ReadFiles, {"root": "open"}).bind(RecordingContext(folder=root.parent))
    assert await tool.ainvoke({"path": "a.txt"}) == "Größe 10"
