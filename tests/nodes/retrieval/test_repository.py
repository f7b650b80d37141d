"""Load a repository: a clone on this machine, made with git where there is one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.retrieval.repository import LoadRepository
from patchbay.nodes.retrieval.split import SplitDocuments
from patchbay.nodes.testing import RecordingContext, run_node

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git here")

CODE = "".join(f"def step_{n}(x):\n    return x + {n}\n\n\n" for n in range(12))
FILES = {
    "main.py": CODE,
    "src/app.ts": "export const a = 1;\n",
    "src/.gitignore": "made/\n!keep.log\n",
    "src/made/out.js": "x",
    "src/keep.log": "kept: the inner rule decides\n",
    "README.md": "# A project\n",
    "notes.log": "ignored\n",
    "build/x.py": "ignored\n",
    "data.bin": "\0\1",
    "big.txt": "a" * 600_000,
    ".env": "KEY=hidden\n",
    "poetry.lock": "left out\n",
    ".gitignore": "*.log\n/build/\n",
}


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(
        ["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    root = tmp_path / "clone"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    git(root, "init", "-q")
    git(root, "add", "main.py")
    git(root, "commit", "-qm", "one")
    return root


def loaded(root: Path, ctx: RecordingContext | None = None, **params: Any) -> dict[str, Any]:
    outputs = run_node(LoadRepository, {"path": str(root), **params}, {}, ctx)
    return {document.metadata["source"]: document for document in outputs["documents"]}


def test_it_reads_what_git_would_keep(clone: Path) -> None:
    ctx = RecordingContext()
    found = loaded(clone, ctx)
    assert sorted(found) == ["README.md", "main.py", "src/app.ts", "src/keep.log"]
    assert found["main.py"].metadata == {
        "source": "main.py", "language": "python", "commit": git(clone, "rev-parse", "HEAD"),
    }  # fmt: skip
    assert ctx.warnings == ["Left out, since they are no text or too large: 2 files."]
    git_says = git(clone, "ls-files", "-co", "--exclude-standard").splitlines()
    assert set(found) <= set(git_says)


def test_patterns_and_limits(clone: Path) -> None:
    assert sorted(loaded(clone, patterns=["*.py", "src/*.ts"])) == ["main.py", "src/app.ts"]
    assert sorted(loaded(clone, without=["*.md", "*.lock", "src/*"])) == ["main.py"]
    assert "big.txt" in loaded(clone, limit_kb=1000)
    with pytest.raises(NodeError, match="more than 1"):
        loaded(clone, most_files=1)
    with pytest.raises(NodeError, match="holds no text file"):
        loaded(clone, patterns=["*.java"])


@pytest.mark.parametrize("how", ["detached", "packed", "worktree"])
def test_the_commit_however_git_keeps_it(clone: Path, tmp_path: Path, how: str) -> None:
    commit = git(clone, "rev-parse", "HEAD")
    root = clone
    if how == "detached":
        git(clone, "checkout", "-q", "--detach")
    elif how == "packed":
        git(clone, "pack-refs", "--all")
    else:
        root = tmp_path / "other"
        git(clone, "worktree", "add", "-q", "-b", "other", str(root))
    assert loaded(root, patterns=["main.py"])["main.py"].metadata["commit"] == commit


def test_nothing_of_the_repository_is_run(clone: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    hook = clone / ".git" / "hook.sh"
    hook.write_text(f"#!/bin/sh\ntouch {mark}\n")
    hook.chmod(0o755)
    git(clone, "config", "core.fsmonitor", str(hook))
    assert "main.py" in loaded(clone)
    assert not mark.exists()


def test_links_do_not_lead_out(clone: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.py").write_text("secret = 1\n")
    (clone / "link.py").symlink_to(tmp_path / "outside.py")
    (clone / "folder").symlink_to(tmp_path)
    assert not [name for name in loaded(clone) if "outside" in name or "link" in name]


def test_a_changed_file_is_a_changed_result(clone: Path) -> None:
    params = LoadRepository.Params(path=str(clone))
    before = LoadRepository.content(params, None)
    (clone / "notes.log").write_text("still ignored\n")
    assert LoadRepository.content(params, None) == before
    (clone / "README.md").write_text("# Another\n")
    assert LoadRepository.content(params, None) != before


def test_what_is_no_repository(tmp_path: Path) -> None:
    for path, words in ((str(tmp_path), "is no git repository"), (" ", "No folder is named")):
        with pytest.raises(NodeError, match=words) as failure:
            run_node(LoadRepository, {"path": path})
        assert failure.value.code == "retrieval/no-repository"


def test_code_is_split_where_it_may_be(clone: Path) -> None:
    documents = list(loaded(clone, patterns=["*.py"]).values())
    params = {"by": "code", "size": 30, "overlap": 0}
    chunks = run_node(SplitDocuments, params, {"documents": documents})["chunks"]
    assert len(chunks) > 3
    assert all(chunk.text.startswith("def step_") for chunk in chunks)  # between functions
    assert "".join(chunk.text.replace("\n", "") for chunk in chunks) == CODE.replace("\n", "")
