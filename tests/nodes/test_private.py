"""What people write is theirs: on a shared machine no other account may read it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from patchbay.nodes.atomic import write_atomic
from patchbay.nodes.private import is_private, private_file, private_folder, tighten

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(os.name != "posix", reason="rights of POSIX")


@pytest.fixture(autouse=True)
def open_handed() -> Iterator[None]:
    """A system that gives everything to everybody unless told otherwise."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PATCHBAY_CACHE", raising=False)
    return tmp_path / "home"


def mode(path: Path) -> int:
    return path.lstat().st_mode & 0o777


def readable(folder: Path) -> list[str]:
    """What other accounts may look into."""
    return sorted(
        str(path.relative_to(folder)) for path in [folder, *folder.rglob("*")] if mode(path) & 0o077
    )


def test_folders_and_files_are_made_for_their_owner(home: Path):
    made = private_folder(home / "a" / "b")
    assert [mode(made), mode(home / "a"), mode(home)] == [0o700] * 3
    assert mode(home.parent) != 0o700 or is_private(home.parent)
    assert mode(private_file(made / "file")) == 0o600
    private_file(made / "file").write_text("kept")
    assert private_file(made / "file").read_text() == "kept"


def test_a_new_file_has_the_rights_of_its_folder(home: Path, tmp_path: Path):
    write_atomic(private_folder(home) / "mine.json", "{}")
    assert mode(home / "mine.json") == 0o600
    shared = tmp_path / "shared"
    shared.mkdir(0o755)
    write_atomic(shared / "ours.json", "{}")
    assert mode(shared / "ours.json") == 0o666
    (shared / "ours.json").chmod(0o640)
    write_atomic(shared / "ours.json", "[]")
    assert mode(shared / "ours.json") == 0o640


def test_what_an_older_version_left_is_tightened_once(home: Path):
    (home / "flows").mkdir(parents=True)
    for name in ("history.sqlite", "flows/mine.json", "run-owners.jsonl"):
        (home / name).write_text("x")
    (home / "flows" / "link").symlink_to(home.parent)
    before = mode(home.parent)
    private_folder(home / "uploads")
    assert readable(home) == ["flows/link"]
    assert mode(home.parent) == before
    # From here on it is the person's choice to share something.
    (home / "flows").chmod(0o755)
    again = "from patchbay.nodes.private import *; private_folder(home())"
    subprocess.run([sys.executable, "-c", again], check=True, cwd=ROOT)
    assert mode(home / "flows") == 0o755


def test_a_folder_with_other_things_in_it_stays_as_it_is(home: Path):
    home.mkdir()
    (home / "thesis.tex").write_text("x")
    (home / "history.sqlite").write_text("x")
    private_folder(home / "flows")
    assert readable(home) == [".", "thesis.tex"]


def test_tightening_leaves_what_the_owner_may_do(tmp_path: Path):
    script = tmp_path / "folder" / "script"
    script.parent.mkdir()
    script.write_text("x")
    script.chmod(0o755)
    tighten(script.parent)
    assert (mode(script.parent), mode(script)) == (0o700, 0o700)


def test_a_recorded_run_leaves_nothing_for_others(home: Path):
    command = [
        sys.executable, "-m", "patchbay.flows", "run", "flows/saved/shorten.json", "--record",
        "--input", "text=Copenhagen.",
    ]  # fmt: skip
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    assert (home / "history.sqlite").exists()
    assert [path for path in (home / "cache").rglob("*") if path.is_file()]
    assert readable(home) == []


def test_an_index_is_for_its_owner(home: Path):
    pytest.importorskip("chromadb")
    import numpy as np

    from patchbay.nodes.retrieval.store import index_dir, write
    from patchbay.nodes.values import Document

    chunks = [Document(text="a mill"), Document(text="a ferry")]
    vectors = [np.array([1, 0], "float32"), np.array([0, 1], "float32")]
    write("k" * 64, chunks, vectors, {}, lambda: False)
    assert (index_dir("k" * 64) / "chroma").is_dir()
    assert readable(home) == []
    shutil.rmtree(home)
