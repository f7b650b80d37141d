"""One file to documents, by its kind. Pages, rows and titles become metadata."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patchbay.nodes.errors import NodeError
from patchbay.nodes.io.csv_table import BadTable, Delimiter, read_table
from patchbay.nodes.io.files import as_utf8, quoted
from patchbay.nodes.text.html import read_page
from patchbay.nodes.units import MEGABYTE, size_in_words
from patchbay.nodes.values import Document

UNPACKED_LIMIT = 500 * MEGABYTE
"""Bytes that a Word file may unpack to: a small zip can hold a very large one."""

PLACE = "Load documents"


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How files are read."""

    delimiter: Delimiter = "auto"
    """What stands between the cells of a CSV."""
    stopped: Callable[[], bool] = lambda: False
    """Whether nobody waits for the result any more."""


def read_documents(
    path: Path, data: bytes, source: str, how: ReadOptions | None = None
) -> list[Document]:
    """The documents in a file.

    Args:
        path: the file; its ending says what kind it is.
        data: its content.
        source: what the documents call it.
        how: how it is read.

    Raises:
        NodeError: the file is of no known kind, broken, protected, or holds no text.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise NodeError(
            f"{quoted(source)} is of a kind that cannot be read.",
            fix=f"Give {', '.join(sorted(READERS))} files.",
            code="retrieval/unknown-kind",
            retry=False,
        )
    try:
        found = list(reader(path, data, how or ReadOptions()))
    except (NodeError, MemoryError):
        raise
    except Exception as error:  # what a broken file does to a parser cannot be listed
        raise broken(source, _cause(error)) from error
    documents = [
        Document(text=text, metadata={"source": source, **more})
        for text, more in found
        if text.strip()
    ]
    if not documents:
        scan = ", and may be a scan" if path.suffix.lower() == ".pdf" else ""
        raise broken(source, f"it holds no text{scan}")
    return documents


def broken(source: str, why: str) -> NodeError:
    """A file that cannot be read as what it says it is."""
    why = why if why.endswith(("?", "!")) else f"{why.rstrip('.')}."
    return NodeError(
        f"{quoted(source)} cannot be read: {why}",
        fix="Repair it or take it away, or let bad files be skipped.",
        code="retrieval/bad-file",
        retry=False,
    )


TextsWithMetadata = Iterator[tuple[str, dict[str, Any]]]


def _text(path: Path, data: bytes, how: ReadOptions) -> TextsWithMetadata:
    yield as_utf8(data, path, PLACE), {}


def _html(path: Path, data: bytes, how: ReadOptions) -> TextsWithMetadata:
    page = read_page(as_utf8(data, path, PLACE))
    yield page.text, {"title": page.title} if page.title else {}


def _pdf(path: Path, data: bytes, how: ReadOptions) -> TextsWithMetadata:
    from patchbay.nodes.retrieval.pdf import Locked, OnlyXfa, read_pdf

    try:
        for number, text in enumerate(read_pdf(data, how.stopped), start=1):
            yield text, {"page": number}
    except Locked as error:
        raise broken(path.name, "it is protected by a password") from error
    except OnlyXfa as error:
        why = (
            "its form is written in XFA, which only Adobe's programs show; "
            "open it there and print it to a PDF"
        )
        raise broken(path.name, why) from error


def _docx(path: Path, data: bytes, how: ReadOptions) -> TextsWithMetadata:
    from patchbay.nodes.retrieval.word import TooLarge, read_word

    try:
        yield read_word(data, UNPACKED_LIMIT), {}
    except TooLarge as error:
        why = f"it unpacks to more than {size_in_words(UNPACKED_LIMIT)}"
        raise broken(path.name, why) from error


def _csv(path: Path, data: bytes, how: ReadOptions) -> TextsWithMetadata:
    delimiter = "tab" if path.suffix.lower() == ".tsv" else how.delimiter
    try:
        rows = read_table(as_utf8(data, path, PLACE), delimiter)
    except BadTable as error:
        raise broken(path.name, str(error)) from error
    for number, row in enumerate(rows, start=1):
        yield "\n".join(f"{name}: {cell}" for name, cell in row.cells.items()), {"row": number}


def _cause(error: BaseException) -> str:
    return str(error).strip() or type(error).__name__


READERS: Mapping[str, Callable[[Path, bytes, ReadOptions], TextsWithMetadata]] = {
    ".txt": _text,
    ".md": _text,
    ".markdown": _text,
    ".pdf": _pdf,
    ".docx": _docx,
    ".html": _html,
    ".htm": _html,
    ".csv": _csv,
    ".tsv": _csv,
}
"""What reads a kind of file, by its ending."""
