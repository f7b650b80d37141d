"""A retriever that a test says the finds of. It enters like any plugin."""

from __future__ import annotations

from typing import Any, ClassVar

from langchain_core.documents import Document as LangChainDocument
from langchain_core.retrievers import BaseRetriever

from patchbay.nodes.values import Opening, RetrieverSpec


class Shelf(RetrieverSpec):
    """Gives its texts for every query, and notes what it was asked."""

    backend: ClassVar[str] = "shelf"
    asked: ClassVar[list[tuple[str, str]]] = []

    name: str = "shelf"
    texts: tuple[str, ...]

    def open(self, opening: Opening) -> BaseRetriever:
        return _Open(spec=self)


class _Open(BaseRetriever):
    spec: Any

    def _get_relevant_documents(self, query: str, **more: Any) -> list[LangChainDocument]:
        Shelf.asked.append((self.spec.name, query))
        return [
            LangChainDocument(page_content=text, metadata={"source": self.spec.name, "score": 0.5})
            for text in self.spec.texts
        ]
