"""Vectors by the text they belong to, kept on disk: what was embedded once is not again.

One SQLite file for each embeddings model. Several processes may use it; each batch is kept as soon
as it is there, so that indexing that was stopped goes on where it stopped.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from patchbay.nodes.home import cache_dir
from patchbay.nodes.private import private_file, private_folder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector: TypeAlias = NDArray[np.float32]

WAIT_S = 30.0
"""How long another process may hold the file, in seconds."""

PROBE = "The quick brown fox jumps over the lazy dog."
"""Its vector tells whether a model still gives the vectors that it gave before."""

ALIKE = 0.995
"""The least cosine of two vectors of one text by one model. Rounding differs between machines."""


class VectorStore:
    """The vectors of one embeddings model.

    Args:
        key: what the vectors depend on, as a hash.
        folder: where the files lie; below the cache folder unless given.
    """

    def __init__(self, key: str, folder: Path | None = None) -> None:
        self.path = (folder or cache_dir() / "vectors") / f"{key[:32]}.sqlite"

    def get(self, texts: Sequence[str]) -> dict[str, Vector]:
        """The vectors that are here, by text."""
        import numpy as np

        found = {}
        with self._open() as file:
            for text in dict.fromkeys(texts):
                query = "SELECT vector FROM vectors WHERE text = ?"
                row = file.execute(query, (_digest(text),)).fetchone()
                if row is not None and _is_vector(row[0]):
                    found[text] = np.frombuffer(row[0], dtype="<f4")
        return found

    def put(self, vectors: Mapping[str, Vector]) -> None:
        """Keep vectors, by text."""
        rows = [(_digest(text), v.astype("<f4").tobytes()) for text, v in vectors.items()]
        with self._open() as file:
            file.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)

    def clear(self) -> None:
        """Forget all of them."""
        with self._open() as file:
            file.execute("DELETE FROM vectors")

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        private_folder(self.path.parent)
        private_file(self.path)
        with contextlib.closing(sqlite3.connect(self.path, timeout=WAIT_S)) as file:
            try:
                _prepare(file)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                file.close()
                self.path.unlink(missing_ok=True)  # no database: it can be made again
                file = sqlite3.connect(self.path, timeout=WAIT_S)
                _prepare(file)
            with file:
                yield file


def _prepare(file: sqlite3.Connection) -> None:
    file.execute("PRAGMA synchronous = NORMAL")
    file.execute(
        "CREATE TABLE IF NOT EXISTS vectors (text BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID"
    )


def _is_vector(held: object) -> bool:
    """Whether what a row holds can be a vector; what cannot is embedded again."""
    return isinstance(held, bytes) and len(held) > 0 and len(held) % 4 == 0


def alike(one: Vector, other: Vector) -> bool:
    """Whether two vectors of one text can be of one model."""
    import numpy as np

    if one.shape != other.shape:
        return False
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return lengths > 0 and float(one @ other) / lengths >= ALIKE


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
