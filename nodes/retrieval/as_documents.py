"""Documents of ours as LangChain has them, and back: between our searches and its retrievers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patchbay.nodes.values import Document

if TYPE_CHECKING:
    from langchain_core.documents import Document as LangChainDocument


def document_to_langchain(document: Document) -> LangChainDocument:
    """A document that was found; its score stands among what is known of it."""
    from langchain_core.documents import Document as LangChainDocument

    metadata: dict[str, Any] = {**document.metadata, "score": document.score}
    return LangChainDocument(page_content=document.text, metadata=metadata)


def document_from_langchain(found: Any) -> Document:
    """What a retriever of LangChain, of a plugin say, has found."""
    metadata = dict(found.metadata)
    score = metadata.pop("score", None)
    return Document(text=found.page_content, metadata=metadata, score=score)
