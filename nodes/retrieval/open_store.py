"""A vector database that is open: a LangChain `BaseRetriever`. Imported where one is opened."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document as LangChainDocument
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from patchbay.nodes.embedded import embedded_query
from patchbay.nodes.retrieval.store_shapes import SHAPES, Nearest, chroma_path, wrong
from patchbay.nodes.retrieval.store_spec import StoreRetriever
from patchbay.nodes.tools.fetch import FetchProblem
from patchbay.nodes.tools.send import HttpCall, HttpReply, Sending, send
from patchbay.nodes.units import duration
from patchbay.nodes.values import Document


@runtime_checkable
class StoreClient(Protocol):
    """A database that is asked by its own library. Blocks."""

    def search(self, vector: Sequence[float]) -> list[Document]:
        """What is nearest, the best first."""

    def close(self) -> None:
        """Let go of it."""


class OpenStore(BaseRetriever):
    """Embeds a query and asks the database for what is nearest."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    spec: StoreRetriever
    embeddings: Any
    key: str = ""
    client: StoreClient | None = None

    async def search(self, query: str) -> list[Document]:
        """The texts nearest to a query, the best first, with the scores of the database.

        Raises:
            NodeError: it cannot be asked, or has no such collection.
        """
        vector = (await asyncio.to_thread(embedded_query, self.embeddings, query)).tolist()
        if self.client is not None:
            found = await asyncio.to_thread(self.client.search, vector)
        else:
            found = await self._asked(vector)
        least = self.spec.threshold
        return [one for one in found if least is None or (one.score or 0) >= least]

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
            raise wrong(f"{spec.store} answers otherwise than it should: {said!r}") from error

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
            raise wrong(f"{spec.store} did not answer within {duration(spec.seconds)}.") from error
        except FetchProblem as error:
            raise wrong(str(error)) from error
        if reply.status < 400:
            return reply
        said = reply.said()
        fix = "Check the key." if reply.status in (401, 403) else "Check collection and url."
        raise wrong(f"{spec.store} answers with status {reply.status}: {said!r}", fix)

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun
    ) -> list[LangChainDocument]:
        return [_theirs(one) for one in await self.search(query)]

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[LangChainDocument]:
        return [_theirs(one) for one in asyncio.run(self.search(query))]

    def close(self) -> None:
        """Let go of the database."""
        if self.client is not None:
            self.client.close()


def _theirs(found: Document) -> LangChainDocument:
    return LangChainDocument(
        page_content=found.text, metadata={**found.metadata, "score": found.score}
    )
