"""The files of a folder: which there are, and what they hold."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from patchbay.nodes.errors import NodeError
from patchbay.nodes.io.files import quoted
from patchbay.nodes.retrieval.readers import PLACE, READERS
from patchbay.nodes.text.patterns import fits


@dataclass(frozen=True, slots=True)
class Found:
    """The files to read, with what documents call them; and those left out for their kind."""

    files: tuple[tuple[Path, str], ...]
    others: tuple[str, ...] = ()


def find_files(path: Path, pattern: str, deep: bool, most: int) -> Found:
    """The readable files below a folder, by name; or the one file that `path` is.

    Hidden files, and links to folders, are passed over.

    Raises:
        NodeError: there is nothing there, nothing that can be read, or more than `most` files.
    """
    if path.is_file():
        return Found(((path, path.name),))
    if not path.is_dir():
        raise NodeError(
            f"{PLACE}: there is no file or folder {quoted(path)}.",
            fix="Check the path; a relative one starts at the folder of the flow.",
            code="retrieval/no-such-folder",
            retry=False,
        )
    files, others = [], []
    for name in sorted(walk(path, deep)):
        if not is_meant(name, pattern):
            continue
        if Path(name).suffix.lower() in READERS:
            files.append((path / name, name))
        else:
            others.append(name)
        if len(files) > most:
            raise _too_many(path, most)
    if not files:
        raise _nothing(path, pattern, others)
    return Found(tuple(files), tuple(others))


def is_meant(name: str, pattern: str) -> bool:
    """Whether a pattern fits a file's name, or its path in the folder."""
    name, pattern = (unicodedata.normalize("NFC", text) for text in (name, pattern))
    return fits(name, pattern) or fits(name.rsplit("/", 1)[-1], pattern)


def walk(path: Path, deep: bool) -> Iterator[str]:
    """The files below a folder, by their paths in it; without hidden ones, and links to folders."""
    for folder, folders, names in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith(".")] if deep else []
        for name in names:
            if not name.startswith("."):
                yield (Path(folder) / name).relative_to(path).as_posix()


def digest_of(found: Found) -> str:
    """One hash for the names and contents of files. Each is hashed once, and when it changes."""
    from patchbay.nodes.weights.digest import memo_path, sha256_of
    from patchbay.nodes.weights.refs import quiet

    digest = hashlib.sha256()
    for path, name in found.files:
        content = sha256_of(path, quiet, memo_path(path))
        digest.update(f"{content}  {name}\n".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _nothing(path: Path, pattern: str, others: list[str]) -> NodeError:
    kinds = ", ".join(sorted(READERS))
    if others:
        what = f"holds {len(others)} files, but none of a kind that can be read"
    elif pattern != "*":
        what = f"holds no files that match {pattern!r}"
    else:
        what = "is empty"
    return NodeError(
        f"{PLACE}: the folder {quoted(path)} {what}.",
        fix=f"Put {kinds} files into it, or name another folder.",
        code="retrieval/empty-folder",
        retry=False,
    )


def _too_many(path: Path, most: int) -> NodeError:
    return NodeError(
        f"{PLACE}: the folder {quoted(path)} holds more than {most:,} files to read.",
        fix="Narrow the pattern, or raise the limit.",
        code="retrieval/too-many-files",
        retry=False,
    )
