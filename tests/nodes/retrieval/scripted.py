"""An embeddings model that does what a test says. It enters like any plugin."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import ClassVar

from langchain_core.embeddings import Embeddings

from patchbay.nodes.values import EmbeddingsSpec, Opening


class Letters(EmbeddingsSpec):
    """Counts letters. What `salt` names can change behind its back, as a server's model can."""

    backend: ClassVar[str] = "letters"
    embedded: ClassVar[list[str]] = []

    salt: str = ""
    """A file; its text makes the vectors others, without the description saying so."""

    def open(self, opening: Opening) -> Embeddings:
        return _Counter(Path(self.salt).read_text() if self.salt else "")


class _Counter(Embeddings):
    def __init__(self, salt: str) -> None:
        self._salt = salt

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        Letters.embedded.extend(texts)
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        if self._salt == "short":
            return [1.0, 2.0]
        if self._salt:
            return [
                float(byte) - 128 for byte in hashlib.sha256((self._salt + text).encode()).digest()
            ]
        return [text.lower().count(letter) + 0.01 for letter in "abcdefghijklmnopqrstuvwxyz012345"]
