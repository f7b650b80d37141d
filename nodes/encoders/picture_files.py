"""The pictures of a folder, as documents: what they are called, where they lie, what they hold."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from patchbay.nodes.errors import NodeError
from patchbay.nodes.io.files import quoted, read_bytes
from patchbay.nodes.retrieval.folder import is_meant, walk
from patchbay.nodes.values import Document

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif")


def find_pictures(folder: Path, pattern: str, deep: bool, most: int) -> list[Path]:
    """The pictures below a folder, by name. Hidden files, and links to folders, are passed over.

    Raises:
        NodeError: there is no such folder, no picture in it, or more than `most`.
    """
    if not folder.is_dir():
        raise NodeError(
            f"Picture index: there is no folder {quoted(folder)}.",
            fix="Check the path; a relative one starts at the folder of the flow.",
            code="retrieval/no-such-folder",
            retry=False,
        )
    names = sorted(
        name
        for name in walk(folder, deep)
        if Path(name).suffix.lower() in SUFFIXES and is_meant(name, pattern)
    )
    if not names:
        raise NodeError(
            f"Picture index: the folder {quoted(folder)} holds no picture"
            + (f" that matches {pattern!r}." if pattern != "*" else "."),
            fix=f"Put {', '.join(SUFFIXES)} files into it, or name another folder.",
            code="retrieval/empty-folder",
            retry=False,
        )
    if len(names) > most:
        raise NodeError(
            f"Picture index: the folder {quoted(folder)} holds more than {most:,} pictures.",
            fix="Narrow the pattern, or raise the limit.",
            code="retrieval/too-many-files",
            retry=False,
        )
    return [folder / name for name in names]


def picture_document(path: Path, folder: Path, limit: int) -> tuple[Document, bytes]:
    """A picture as a document, and the content of its file. Its text is its name in words.

    Raises:
        NodeError: it cannot be read, or is larger than `limit` bytes.
    """
    data = read_bytes(path, "Picture index", limit)
    name = path.relative_to(folder).as_posix()
    words = " ".join(re.findall(r"\w+", path.stem.replace("_", " "))) or path.stem
    about = {"source": name, "path": str(path), "sha256": hashlib.sha256(data).hexdigest()}
    return Document(text=words, metadata=dict(about)), data
