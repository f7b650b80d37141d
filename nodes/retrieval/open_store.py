"""A vector database that is open: a LangChain `BaseRetriever`. Imported where one is opened."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document as LangChainDocument
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from patchbay.nodes.errors import NodeError
from patchbay.nodes.retrieval.pgvector import PgVector
from patchbay.nodes.retrieval.store_shapes import SHAPES, Nearest, chroma_path, document
from patchbay.nodes.retrieval.store_spec import StoreRetriever
from patchbay.nodes.tools.fetch import FetchProblem
from patchbay.nodes.tools.send import HttpCall, HttpReply, Sending, send
from patchbay.nodes.units import duration
from patchbay.nodes.values import Document


class OpenStore(BaseRetriever):
    """Embeds a query and asks the database for what is nearest."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    spec: StoreRetriever
    embeddings: Any
    key: str = ""
    client: Any = None

    async def search(self, query: str) -> list[Document]:
        """The texts nearest to a query, the best first, with the scores of the database.

        Raises:
            NodeError: it cannot be asked, or has no such collection.
        """
        vector = await asyncio.to_thread(self.embeddings.embed_query, query)
        if self.client is not None:
            found = await asyncio.to_thread(self._local, vector)
        else:
            found = await self._asked(vector)
        least = self.spec.threshold
        return [one for one in found if least is None or (one.score or 0) >= least]

    def _local(self, vector: list[float]) -> list[Document]:
        if isinstance(self.client, PgVector):
            return self.client.search(vector)
        try:
            answer = self.client.query_points(
                self.spec.collection, query=vector, limit=self.spec.k, with_payload=True
            )
        except ValueError as error:
            raise _wrong(f"Qdrant does not take the query: {error}") from error
        return [
            document(point.payload or {}, self.spec.text_field, float(point.score))
            for point in answer.points
        ]

    async def _asked(self, vector: list[float]) -> list[Document]:
        spec, shape = self.spec, SHAPES[self.spec.store]
        collection = await self._chroma_id() if spec.store == "chroma" else spec.collection
        nearest = Nearest(
            spec.url, collection, vector, spec.k, self.key, spec.space, spec.text_field
        )
        reply = await self._sent(shape.ask(nearest))
        try:
            return shape.read(reply.json(), nearest)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            said = reply.said()
            raise _wrong(f"{spec.store} answers otherwise than it should: {said!r}") from error

    async def _chroma_id(self) -> str:
        """Chroma's queries go by the id of a collection, which it tells by the name."""
        from urllib.parse import quote

        path = f"{chroma_path(self.spec.url)}/{quote(self.spec.collection, safe='')}"
        headers = {"X-Chroma-Token": self.key} if self.key else {}
        private = frozenset({"x-chroma-token"})
        reply = await self._sent(HttpCall("GET", path, headers, private=private))
        return str(reply.json()["id"])

    async def _sent(self, call: HttpCall) -> HttpReply:
        spec = self.spec
        how = Sending(limit=50_000_000, loopback=spec.allow_loopback)
        try:
            async with asyncio.timeout(spec.seconds):
                reply = await send(call, how)
        except TimeoutError as error:
            raise _wrong(f"{spec.store} did not answer within {duration(spec.seconds)}.") from error
        except FetchProblem as error:
            raise _wrong(str(error)) from error
        if reply.status < 400:
            return reply
        said = reply.said()
        fix = "Check the key." if reply.status in (401, 403) else "Check collection and url."
        raise _wrong(f"{spec.store} answers with status {reply.status}: {said!r}", fix)

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun
    ) -> list[LangChainDocument]:
        return [_theirs(one) for one in await self.search(query)]

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[LangChainDocument]:
        return [_theirs(one) for one in asyncio.run(self.search(query))]

    def close(self) -> None:
        """Let go of the folder, which one process at a time may have open."""
        if self.client is not None and not isinstance(self.client, PgVector):
            self.client.close()


def _theirs(found: Document) -> LangChainDocument:
    return LangChainDocument(
        page_content=found.text, metadata={**found.metadata, "score": found.score}
    )


def local_qdrant(folder: str, collection: str) -> Any:
    """A Qdrant database in a folder of this machine, opened in this process.

    Raises:
        NodeError: it is not there, another process has it, or it lacks the collection.
    """
    from qdrant_client import QdrantClient

    path = Path(folder).expanduser()
    if not (path / "meta.json").is_file():
        raise _wrong(f"There is no Qdrant database in {folder!r}.", "Name its folder.")
    try:
        client = QdrantClient(path=str(path))
    except RuntimeError as error:
        words = f"The Qdrant database in {folder!r} is open in another program."
        raise _wrong(words, "Close it there, or run Qdrant's server.") from error
    if not client.collection_exists(collection):
        there = ", ".join(one.name for one in client.get_collections().collections) or "none"
        client.close()
        raise _wrong(f"There is no collection {collection!r}; there are: {there}.")
    return client


def _wrong(message: str, fix: str = "Check collection, url and embeddings.") -> NodeError:
    return NodeError(message, fix=fix, code="retrieval/store", retry=False)
