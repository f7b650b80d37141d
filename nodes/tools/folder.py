"""Reading below one folder and never outside of it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

MAX_LISTED = 100
"""Names of files that a listing gives."""


class FolderProblem(ValueError):  # noqa: N818 - it is told to a model as it is
    """The file cannot be read; the text says why, without telling what lies elsewhere."""


def read_below(root: Path, path: str, limit: int) -> str:
    """The UTF-8 text of a file below `root`; for a folder the names of the files in it.

    Links are followed only where they stay below `root`.

    Args:
        path: relative to `root`.
        limit: bytes that are read; what comes after is left out, and that it was is said.

    Raises:
        FolderProblem: it is outside of the folder, not there, or not text.
    """
    target = _inside(root, path)
    try:
        mode = target.stat().st_mode
    except OSError:
        raise FolderProblem(f"There is no file {path!r}. {_listing(root, root)}") from None
    if stat.S_ISDIR(mode):
        return _listing(root, target)
    if not stat.S_ISREG(mode):  # a pipe or a device may never end
        raise FolderProblem(f"{path!r} is not a plain file.")
    return _text(_bytes(target, path, limit + 1), path, limit)


def _inside(root: Path, path: str) -> Path:
    try:
        folder = root.resolve(strict=True)
        target = (folder / path).resolve()
    except (OSError, ValueError, RuntimeError):  # a NUL, a circle of links, no such root
        raise FolderProblem(f"{path[:200]!r} is not a path that can be read.") from None
    if target != folder and not target.is_relative_to(folder):
        raise FolderProblem(f"{path[:200]!r} is outside of the folder that may be read.")
    return target


def _bytes(target: Path, path: str, count: int) -> bytes:
    # The path is resolved, so a link in its last place was put there just now.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        with os.fdopen(os.open(target, flags | getattr(os, "O_BINARY", 0)), "rb") as file:
            return file.read(count)
    except OSError as error:
        raise FolderProblem(f"{path!r} cannot be read: {error.strerror}.") from error


def _text(data: bytes, path: str, limit: int) -> str:
    cut = len(data) > limit
    try:
        text = data[:limit].decode("utf-8-sig", "ignore" if cut else "strict")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise FolderProblem(f"{path!r} is not a text file.")
    return f"{text}\n… (cut after {limit:,} bytes)" if cut else text


def _listing(root: Path, folder: Path) -> str:
    try:
        base = root.resolve(strict=True)
        names = [
            (folder.resolve() / entry.name).relative_to(base).as_posix()
            + ("/" if entry.is_dir() else "")
            for entry in sorted(folder.iterdir())
            if not entry.name.startswith(".")
        ]
    except OSError:
        return "The folder cannot be read."
    if not names:
        return "The folder is empty."
    more = f", and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return f"There are: {', '.join(names[:MAX_LISTED])}{more}."
