"""Indexes on disk: one folder each, complete or absent, named by the hash of what is in it.

An index is written beside its place and moved there when it is whole, so that nobody ever opens
half of one; a lock lets one process at a time write it.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from patchbay.nodes.errors import NodeError
from patchbay.nodes.home import home
from patchbay.nodes.private import private_folder, tighten
from patchbay.nodes.retrieval.chroma import DATABASE
from patchbay.nodes.values import Document

if TYPE_CHECKING:
    from patchbay.nodes.retrieval.vectors import Vector

FORMAT = 4
"""Raised when the same chunks would be indexed otherwise: older indexes then count as absent."""
COLLECTION = "chunks"
SQLITE = b"SQLite format 3\0"
"""How the file of a database begins."""
KEEP_S = 30 * 24 * 3600.0
"""Indexes that nobody opened for so long are removed, in seconds. They can be made again."""

_WAIT_S = 0.2


def indexes_dir() -> Path:
    """Where indexes are kept."""
    return home() / "indexes"


def index_dir(key: str) -> Path:
    """Where the index of a key lies, or will lie."""
    return indexes_dir() / key[:40]


def facts(key: str) -> dict[str, Any] | None:
    """What is known of an index that is whole and here, or None."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        known = json.loads((index_dir(key) / "index.json").read_text("utf-8"))
        if known.get("format") == FORMAT and known.get("key") == key:
            return dict(known) if _is_whole(index_dir(key), known) else None
    return None


def _is_whole(folder: Path, known: dict[str, Any]) -> bool:
    """Whether the files of an index are all here; somebody may have made room."""
    needed = [folder / "documents.jsonl", folder / "bm25"]
    if "dimensions" in known:
        database = folder / "chroma" / DATABASE
        needed.append(database)
        with database.open("rb") as file:
            if file.read(len(SQLITE)) != SQLITE:
                return False
    return all(path.exists() for path in needed)


def forget(key: str) -> None:
    """Make an index count as absent, at once; its files go with it where that can be done."""
    (index_dir(key) / "index.json").unlink(missing_ok=True)
    shutil.rmtree(index_dir(key), ignore_errors=True)


@contextlib.contextmanager
def lock(key: str, waiting: Callable[[], None]) -> Iterator[None]:
    """Let one process (and one thread of it) at a time write an index.

    Args:
        key: of the index.
        waiting: called now and then while another has it; what it raises ends the waiting.
    """
    from filelock import FileLock, Timeout

    path = indexes_dir() / ".locks" / f"{key[:40]}.lock"
    private_folder(path.parent)
    # The lock is taken in one thread and may be given back in another.
    held = FileLock(path, mode=0o600, thread_local=False, is_singleton=False)
    while True:
        try:
            held.acquire(timeout=_WAIT_S)
            break
        except Timeout:
            waiting()
    try:
        yield
    finally:
        held.release()


def write(
    key: str,
    chunks: Sequence[Document],
    vectors: Sequence[Vector] | None,
    about: dict[str, JsonValue],
    stopped: Callable[[], bool],
) -> None:
    """Write an index and put it into its place. Call it with the lock held.

    Raises:
        NodeError: the disk refuses.
    """
    final = index_dir(key)
    building = final.with_name(f".{final.name}-{secrets.token_hex(4)}")
    try:
        for left in indexes_dir().glob(f".{final.name}-*"):
            shutil.rmtree(left, ignore_errors=True)  # of a process that was killed
        private_folder(building)
        _write_documents(building, chunks)
        _write_words(building, chunks)
        if vectors is not None:
            _write_vectors(building / "chroma", chunks, vectors, stopped)
        known = {"format": FORMAT, "key": key, "chunks": len(chunks), **about}
        (building / "index.json").write_text(json.dumps(known) + "\n", "utf-8")
        tighten(building)  # Chroma and bm25s write as the system allows
        forget(key)
        building.replace(final)
    except OSError as error:
        raise NodeError(
            f"The index cannot be stored in {indexes_dir()}: {error.strerror or error}.",
            fix="Make room, or set PATCHBAY_HOME to a folder that can be written.",
            code="retrieval/unwritable",
            retry=False,
        ) from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
    _remove_old(final)


def _write_documents(folder: Path, chunks: Sequence[Document]) -> None:
    with (folder / "documents.jsonl").open("w", encoding="utf-8") as file:
        for chunk in chunks:
            row = {"text": chunk.text, "metadata": chunk.metadata}
            file.write(json.dumps(row, ensure_ascii=True) + "\n")


def _write_words(folder: Path, chunks: Sequence[Document]) -> None:
    from patchbay.nodes.retrieval.bm25 import write_words

    write_words(folder / "bm25", [chunk.text for chunk in chunks])


def _write_vectors(
    folder: Path, chunks: Sequence[Document], vectors: Sequence[Vector], stopped: Callable[[], bool]
) -> None:
    """Store the vectors in Chroma, as LlamaIndex does, so that its indexes can read them, too."""
    from llama_index.core.schema import TextNode
    from llama_index.vector_stores.chroma import ChromaVectorStore

    from patchbay.nodes.retrieval.chroma import open_chroma

    client = open_chroma(folder)
    try:
        collection = client.create_collection(
            COLLECTION, configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
        )
        store = ChromaVectorStore(chroma_collection=collection)
        step = min(500, client.get_max_batch_size())
        for start in range(0, len(chunks), step):
            if stopped():  # what is half written must not come into its place
                raise NodeError("The run was cancelled.", retry=False)
            store.add(
                [
                    TextNode(
                        id_=str(number),
                        text=chunk.text,
                        metadata=flat(chunk.metadata),
                        embedding=vectors[number].tolist(),
                    )
                    for number, chunk in enumerate(chunks[start : start + step], start)
                ]
            )
    finally:
        client.close()


def flat(metadata: dict[str, JsonValue]) -> dict[str, str | int | float | bool]:
    """Metadata as Chroma takes it: plain values only, anything else as JSON text."""
    return {
        name: value if isinstance(value, str | int | float | bool) else json.dumps(value)
        for name, value in metadata.items()
        if value is not None
    }


def _remove_old(kept: Path) -> None:
    for path in indexes_dir().glob("[!.]*/index.json"):
        with contextlib.suppress(OSError):
            if path.parent != kept and time.time() - path.stat().st_mtime > KEEP_S:
                path.unlink()
                shutil.rmtree(path.parent, ignore_errors=True)
