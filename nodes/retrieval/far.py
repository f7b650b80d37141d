"""An embeddings model that lives in another process, behind LangChain's face."""

from __future__ import annotations

from typing import Any

from langchain_core.embeddings import Embeddings

from patchbay.nodes.cut_texts import CutTexts
from patchbay.nodes.models.far import Far


class FarEmbeddings(Embeddings):
    """An embeddings model elsewhere."""

    def __init__(self, far: Far) -> None:
        self._far, self._cut = far, CutTexts()

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """A vector for each text."""
        found: list[list[float]] = self._asked("embed_documents", texts)
        return found

    def embed_query(self, text: str) -> list[float]:
        """The vector of a question."""
        found: list[float] = self._asked("embed_query", text)
        return found

    def take_cut(self) -> int:
        """How many texts were cut since this thread last asked, in all processes together."""
        return self._cut.take()

    def _asked(self, method: str, given: Any) -> Any:
        vectors, cut = self._far.call("with_cut", method, given)
        self._cut.add(cut)
        return vectors

    @property
    def max_tokens(self) -> int:
        """Where a text is cut."""
        return int(self._far.call("attribute", "max_tokens"))
