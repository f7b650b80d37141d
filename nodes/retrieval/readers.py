"""One file to documents, by its kind. Pages, rows and titles become metadata."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from patchbay.nodes.errors import NodeError
from patchbay.nodes.io.files import MEGABYTE, as_utf8, quoted
from patchbay.nodes.values import Document

UNPACKED_LIMIT = 500 * MEGABYTE
"""Bytes that a Word file may unpack to: a small zip can hold a very large one."""

PLACE = "Load documents"


def read_documents(path: Path, data: bytes, source: str) -> list[Document]:
    """The documents in a file.

    Args:
        path: the file; its ending says what kind it is.
        data: its content.
        source: what the documents call it.

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
        found = list(reader(path, data))
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
    return NodeError(
        f"{quoted(source)} cannot be read: {why.rstrip('.')}.",
        fix="Repair it or take it away, or let bad files be skipped.",
        code="retrieval/bad-file",
        retry=False,
    )


Found = Iterator[tuple[str, dict[str, Any]]]


def _text(path: Path, data: bytes) -> Found:
    yield as_utf8(data, path, PLACE), {}


def _html(path: Path, data: bytes) -> Found:
    # LlamaIndex's HTML reader would take scripts and styles for text.
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(as_utf8(data, path, PLACE), "html.parser")
    title = soup.title.get_text(" ", strip=True) if soup.title else ""
    for tag in soup(["script", "style", "template", "noscript", "head"]):
        tag.decompose()
    lines = (line.strip() for line in soup.get_text("\n").splitlines())
    yield "\n".join(line for line in lines if line), {"title": title} if title else {}


def _pdf(path: Path, data: bytes) -> Found:
    from llama_index.readers.file import PDFReader
    from pypdf import PdfReader

    if PdfReader(io.BytesIO(data)).is_encrypted and not _opens_without_password(data):
        raise broken(path.name, "it is protected by a password")
    for number, page in enumerate(PDFReader().load_data(path), start=1):
        yield page.text, {"page": number}


def _opens_without_password(data: bytes) -> bool:
    from pypdf import PdfReader

    return bool(PdfReader(io.BytesIO(data)).decrypt(""))


def _docx(path: Path, data: bytes) -> Found:
    from llama_index.readers.file import DocxReader

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(info.file_size for info in archive.infolist()) > UNPACKED_LIMIT:
            raise broken(path.name, f"it unpacks to more than {UNPACKED_LIMIT / MEGABYTE:g} MB")
    for document in DocxReader().load_data(path):
        yield document.text, {}


def _csv(path: Path, data: bytes) -> Found:
    from llama_index.readers.file import PagedCSVReader

    as_utf8(data, path, PLACE)
    try:
        rows = PagedCSVReader(encoding="utf-8-sig").load_data(path)
    except AttributeError as error:  # the reader takes each cell for a text
        raise broken(path.name, "a row has more or fewer cells than the header") from error
    for number, row in enumerate(rows, start=1):
        yield row.text, {"row": number}


def _cause(error: BaseException) -> str:
    """What went wrong at the bottom: readers try again, and then speak of trying again."""
    attempt = getattr(error, "last_attempt", None)  # tenacity's RetryError
    inner = attempt.exception() if attempt is not None else None
    error = inner or error
    return f"{str(error).strip() or type(error).__name__}"


READERS: Mapping[str, Callable[[Path, bytes], Found]] = {
    ".txt": _text,
    ".md": _text,
    ".markdown": _text,
    ".pdf": _pdf,
    ".docx": _docx,
    ".html": _html,
    ".htm": _html,
    ".csv": _csv,
}
"""What reads a kind of file, by its ending."""
