"""A retriever that is open: a LangChain `BaseRetriever`. Imported only where one is opened."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, Protocol

from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document as LangChainDocument
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from patchbay.nodes.embedded import embedded_query
from patchbay.nodes.models.messages import to_langchain
from patchbay.nodes.retrieval import questions
from patchbay.nodes.retrieval.as_documents import document_to_langchain
from patchbay.nodes.retrieval.filters import matches
from patchbay.nodes.retrieval.open_index import OpenIndex
from patchbay.nodes.retrieval.ranking import Hit, diverse, fuse
from patchbay.nodes.retrieval.retriever import IndexRetriever
from patchbay.nodes.values import Document, Message

_AT_ONCE = 100
"""How many vectors are looked at together."""


class Ask(Protocol):
    """Asks the retriever's chat model something; gives the answer's text."""

    def __call__(self, messages: list[Message], **call_options: Any) -> Awaitable[str]:
        """`call_options` in the words of `ModelSpec.call_options`."""


class OpenRetriever(BaseRetriever):
    """Searches an open index as its description says.

    Whoever has LangChain calls `invoke` or `ainvoke`; `search` gives our own documents, and lets
    the caller ask the chat model, who then counts tokens and can stop it.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    spec: IndexRetriever
    index: OpenIndex
    embeddings: Any = None
    chat: Any = None
    scorer: Any = None

    async def search(self, query: str, ask: Ask | None = None) -> list[Document]:
        """The chunks that belong to a query, the best first, with scores.

        Raises:
            NodeError: the index or its embeddings are not what they were.
        """
        ask = ask or self._ask
        looked_for = await self._expanded(query, ask)
        hits = await asyncio.to_thread(self._hits, query, looked_for)
        if self.spec.rerank != "none":
            hits = await self._reranked(query, hits, ask)
        documents = self.index.documents
        return [
            documents[number].model_copy(update={"score": round(score, 6)})
            for number, score in hits[: self.spec.k]
        ]

    # --- finding ----------------------------------------------------------------------------

    async def _expanded(self, query: str, ask: Ask) -> str:
        """What to look for in place of the query; the query where the model says nothing."""
        if self.spec.expand == "rewrite":
            messages, most = questions.rewrite(query), questions.REWRITE_TOKENS
            return (
                questions.first_line(await ask(messages, max_tokens=most, temperature=0.0)) or query
            )
        if self.spec.expand == "hyde":
            messages, most = questions.hyde(query), questions.HYDE_TOKENS
            passage = (await ask(messages, max_tokens=most, temperature=0.0)).strip()
            return passage or query
        return query

    def _hits(self, query: str, looked_for: str) -> list[Hit]:
        spec, among = self.spec, self._among()
        most = spec.k
        if spec.strategy in ("mmr", "hybrid") or spec.rerank != "none":
            most = max(spec.candidates, spec.k)
        # A made-up passage is for vectors; its invented words would mislead a search by words.
        words = query if spec.expand == "hyde" else looked_for
        if spec.strategy == "bm25":
            return self.index.by_words(words, most, among)
        vector = self._vector(looked_for)
        by_vector = self._near_enough(self.index.by_vector(vector, most, among))
        if spec.strategy == "hybrid":
            return fuse([by_vector, self._by_words(words, vector, most, among)])
        if spec.strategy == "mmr" and by_vector:
            vectors = self.index.vectors([number for number, _ in by_vector])
            wanted = spec.k if spec.rerank == "none" else most
            return diverse(by_vector, vectors, wanted, spec.relevance)
        return by_vector

    def _vector(self, text: str) -> list[float]:
        if self.embeddings is None:
            _ = self.index.collection  # says what is missing
        self.index.prove(self.embeddings)
        return list(embedded_query(self.embeddings, text).tolist())

    def _near_enough(self, hits: list[Hit]) -> list[Hit]:
        """Hits with their cosine, without those that are less alike than the threshold."""
        least = self.spec.threshold
        return hits if least is None else [hit for hit in hits if hit[1] >= least]

    def _by_words(
        self, words: str, vector: list[float], most: int, among: Collection[int] | None
    ) -> list[Hit]:
        """The best by words; with a threshold, of those that are alike enough in meaning, too."""
        if self.spec.threshold is None:
            return self.index.by_words(words, most, among)
        found = self.index.by_words(words, len(self.index.documents), among)
        kept: list[Hit] = []
        for start in range(0, len(found), _AT_ONCE):
            some = found[start : start + _AT_ONCE]
            numbers = [number for number, _ in some]
            alike = dict(self._near_enough(self.index.cosines(vector, numbers)))
            kept += [hit for hit in some if hit[0] in alike]
            if len(kept) >= most:
                break
        return kept[:most]

    def _among(self) -> list[int] | None:
        if not self.spec.conditions:
            return None
        return [
            number
            for number, document in enumerate(self.index.documents)
            if matches(document.metadata, self.spec.conditions)
        ]

    # --- reranking --------------------------------------------------------------------------

    async def _reranked(self, query: str, hits: Sequence[Hit], ask: Ask) -> list[Hit]:
        texts = [self.index.documents[number].text for number, _ in hits]
        if self.spec.rerank == "cross-encoder":
            scores = await asyncio.to_thread(self.scorer.score, query, texts)
        else:
            scores = await asyncio.gather(*(_marked(query, text, ask) for text in texts))
        order = sorted(range(len(hits)), key=lambda i: (-scores[i], i))
        return [(hits[i][0], float(scores[i])) for i in order]

    async def _ask(self, messages: list[Message], **call_options: Any) -> str:
        assert self.spec.model is not None  # noqa: S101 - the node saw to it
        options = self.spec.model.call_options(**call_options)
        return str((await self.chat.ainvoke(to_langchain(messages), **options)).text)

    # --- LangChain --------------------------------------------------------------------------

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[LangChainDocument]:
        return _in_own_loop(lambda: self.search(query))

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun
    ) -> list[LangChainDocument]:
        return [document_to_langchain(document) for document in await self.search(query)]


async def _marked(query: str, text: str, ask: Ask) -> float:
    answer = await ask(
        questions.mark(query, text),
        max_tokens=questions.MARK_TOKENS,
        temperature=0.0,
        json_schema=questions.MARK_SCHEMA,
    )
    found = questions.read_mark(answer)
    return 0.0 if found is None else found


def _in_own_loop(search: Callable[[], Any]) -> list[LangChainDocument]:
    """For callers without an event loop, such as a tool in a thread."""

    async def found() -> list[LangChainDocument]:
        return [document_to_langchain(document) for document in await search()]

    return asyncio.run(found())
