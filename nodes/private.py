"""Folders and files that no other account of the machine can look into.

What people write, ask and are answered lies in the home folder and in the cache. On a shared
machine the usual rights would let every account read it. Systems without POSIX rights keep their
own: there a profile's folders are private already.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from patchbay.nodes.home import cache_dir, home

_OTHERS = 0o077
_MARK = ".private"
"""Left in a folder whose old contents were tightened: done once, so that a person may share it."""
_OURS = {
    "datasets", "experiments", "trainings",
    "flows", "trash", "versions", "uploads", "indexes", "crewai", "history.sqlite",
    "history.sqlite-wal", "history.sqlite-shm", "history.sqlite.lock", "run-owners.jsonl",
    "settings.toml", "mcp-sign-ins", "studio-token", "cache", "cards.json", "results", "vectors",
    "triggers.toml",
    "hashes", "dequantized", "adapters", "weights", "serve-key", "serve-secret", "serve-uploads",
    "served", "served-keys.toml", _MARK,
}  # fmt: skip
"""What Patchbay puts into its two folders. Anything else there is somebody else's business."""
_seen: set[Path] = set()


def private_folder(path: Path) -> Path:
    """Make a folder, and those above it that are missing, for its owner only. Returns it.

    Where it lies in the home or cache folder of an older version, what that has left is tightened,
    once.

    Raises:
        OSError: it cannot be made.
    """
    missing = []
    for folder in (path, *path.parents):
        if folder.is_dir():
            break
        missing.append(folder)
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
    for root in {home(), cache_dir()}:
        if path == root or root in path.parents:
            _tighten_once(root)
    return path


def private_file(path: Path) -> Path:
    """Make an empty file for its owner only, unless it is there. Returns it.

    Raises:
        OSError: it cannot be made.
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    return path


def is_private(folder: Path) -> bool:
    """Whether only its owner may look into a folder, as far as its own rights say."""
    return os.name == "posix" and not folder.stat().st_mode & _OTHERS


def tighten(path: Path) -> None:
    """Take a file, or a folder with all in it, from everybody but its owner.

    Links are not followed, and what belongs to other accounts is left alone.
    """
    _take_away(path)
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            _take_away(Path(folder, name))


def _take_away(path: Path) -> None:
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        status = path.lstat()
        mine = status.st_uid == os.geteuid()
        if mine and status.st_mode & _OTHERS and not path.is_symlink():
            path.chmod(status.st_mode & 0o7700)


def _tighten_once(root: Path) -> None:
    """Tighten what an older version left. The folder itself only where all in it is ours."""
    if root in _seen or os.name != "posix":
        return
    _seen.add(root)
    if (root / _MARK).exists():
        return
    with contextlib.suppress(OSError):
        there = list(root.iterdir())
        for path in there:
            if path.name in _OURS:
                tighten(path)
        if all(path.name in _OURS for path in there):
            _take_away(root)
        private_file(root / _MARK)
