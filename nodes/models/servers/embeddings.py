"""Embeddings from a server: LangChain's own class for it, with errors in words, and waiting."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from langchain_core.embeddings import Embeddings

from patchbay.nodes.models.servers.errors import Server, pause_s
from patchbay.nodes.models.wait import sleep

T = TypeVar("T")


class ServedEmbeddings(Embeddings):
    """Vectors of length one from an inner embeddings model, so that a dot product is a cosine.

    Args:
        inner: who asks the server.
        server: for saying what is wrong with it.
        batch: texts in one request.
        retries: how often a request is made again when the server is busy.
        prefixes: what goes before a document, and before a query.
        close: lets go of the connections.
    """

    def __init__(
        self,
        inner: Embeddings,
        server: Server,
        *,
        batch: int,
        retries: int,
        prefixes: tuple[str, str] = ("", ""),
        close: Callable[[], None] | None = None,
    ) -> None:
        self._inner, self._server = inner, server
        self._batch, self._retries = batch, retries
        self._document, self._query = prefixes
        self._close = close

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """A vector for each text."""
        asked = [self._document + text for text in texts]
        vectors: list[list[float]] = []
        for start in range(0, len(asked), self._batch):
            part = asked[start : start + self._batch]
            vectors += self._patiently(partial(self._inner.embed_documents, part))
        return [unit(vector) for vector in vectors]

    def embed_query(self, text: str) -> list[float]:
        """The vector of a question."""
        return unit(self._patiently(partial(self._inner.embed_query, self._query + text)))

    def close(self) -> None:
        """Let go of the connections."""
        if self._close is not None:
            self._close()

    def _patiently(self, ask: Callable[[], T]) -> T:
        tries = 0
        while True:
            tries += 1
            try:
                return ask()
            except Exception as error:
                wait = pause_s(error, tries, self._retries)
                if wait is None:
                    raise self._server.in_words(error) from error
            sleep(wait)


def unit(vector: Sequence[float]) -> list[float]:
    """The vector, scaled to length one; a vector of zeros stays as it is."""
    length = math.sqrt(math.fsum(x * x for x in vector)) or 1.0
    return [x / length for x in vector]
