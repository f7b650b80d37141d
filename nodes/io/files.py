"""Reading a person's files: as references by content, and as UTF-8 text."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path

from patchbay.nodes.errors import NodeError
from patchbay.nodes.units import size_in_words
from patchbay.nodes.values import FileRef

"""Bytes in a megabyte, as file managers count."""


def quoted(text: object, limit: int = 200) -> str:
    """A text in double quotes, cut short, with control characters escaped: fit for a terminal."""
    shown = str(text)
    return json.dumps(shown if len(shown) <= limit else shown[:limit] + "…", ensure_ascii=False)


def file_ref(path: Path, place: str) -> FileRef:
    """A reference to a file by path and content.

    Args:
        path: the file.
        place: what the file is for, to begin an error message: `Input "notes"`.

    Raises:
        NodeError: there is no such file, it is a folder, or it cannot be read.
    """
    path = _existing(path, place)
    digest = hashlib.sha256()
    size = 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
                size += len(chunk)
    except OSError as error:
        raise _unreadable(path, place, error) from error
    return FileRef(path=str(path), sha256=digest.hexdigest(), size=size)


def read_bytes(path: Path, place: str, limit: int) -> bytes:
    """The content of a file of at most `limit` bytes.

    Raises:
        NodeError: there is no such file, it is a folder, cannot be read, or is larger.
    """
    path = _existing(path, place)
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise _unreadable(path, place, error) from error
    if len(data) > limit:
        raise NodeError(
            f"{place}: {quoted(path)} is larger than {size_in_words(limit)}.",
            fix="Give a smaller file, or raise the limit where the node has one.",
            code="io/file-too-large",
            retry=False,
        )
    return data


def bytes_of(file: FileRef, place: str, limit: int) -> bytes:
    """The content of a file that was given to the flow, of at most `limit` bytes.

    Raises:
        NodeError: it is gone, unreadable, too large, or no longer what it was when it was given (a
            result would then be kept under the wrong content).
    """
    path = Path(file.path)
    data = read_bytes(path, place, limit)
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise NodeError(
            f"{quoted(path)} was changed after it was given to the flow.",
            fix="Run the flow again.",
            port="file",
            code="io/file-changed",
            retry=False,
        )
    return data


def as_utf8(data: bytes, path: Path, place: str) -> str:
    """The text that a file's bytes spell. A byte order mark is left out.

    Raises:
        NodeError: the bytes are not UTF-8 text.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_text(path, place, f"byte {error.start} is not UTF-8") from error
    if "\0" in text:
        raise _not_text(path, place, "it holds NUL bytes")
    return text


def _existing(path: Path, place: str) -> Path:
    try:
        path = path.expanduser().absolute()
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise NodeError(
            f"{place}: there is no file {quoted(path)}.",
            fix="Check the path.",
            code="io/no-such-file",
            retry=False,
        ) from None
    except (OSError, ValueError, RuntimeError) as error:  # ValueError: a NUL in the path
        raise _unreadable(path, place, error) from error
    if not stat.S_ISREG(mode):  # a pipe or a device may never end
        what = "a folder" if stat.S_ISDIR(mode) else "not a plain file"
        raise NodeError(
            f"{place}: {quoted(path)} is {what}.",
            fix="Name a file.",
            code="io/not-a-file",
            retry=False,
        )
    return path


def _unreadable(path: Path, place: str, error: Exception) -> NodeError:
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return NodeError(
        f"{place}: {quoted(path)} cannot be read: {reason}.",
        fix="Check the path and its permissions.",
        code="io/unreadable",
        retry=False,
    )


def _not_text(path: Path, place: str, why: str) -> NodeError:
    return NodeError(
        f"{place}: {quoted(path)} is not a UTF-8 text file: {why}.",
        fix="Convert it to UTF-8 text first.",
        code="io/not-text",
        retry=False,
    )
