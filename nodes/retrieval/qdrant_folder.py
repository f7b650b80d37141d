"""Search a Qdrant database in a folder of this machine, opened in this process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from patchbay.nodes.retrieval.store_shapes import document, wrong
from patchbay.nodes.retrieval.store_spec import StoreRetriever
from patchbay.nodes.values import Document


class QdrantFolder:
    """Finds what is nearest in the folder that a description names. Blocks.

    Raises:
        NodeError: it is not there, another process has it, or it lacks the collection.
    """

    def __init__(self, spec: StoreRetriever) -> None:
        self._spec, self._client = spec, _client(spec.folder, spec.collection)

    def search(self, vector: Sequence[float]) -> list[Document]:
        """The nearest points, the best first, with the scores of the database.

        Raises:
            NodeError: it does not take the query.
        """
        spec = self._spec
        try:
            answer = self._client.query_points(
                spec.collection, query=list(vector), limit=spec.k, with_payload=True
            )
        except ValueError as error:
            raise wrong(f"Qdrant does not take the query: {error}") from error
        return [
            document(point.payload or {}, spec.text_field, float(point.score))
            for point in answer.points
        ]

    def close(self) -> None:
        """Let go of the folder, which one process at a time may have open."""
        self._client.close()


def _client(folder: str, collection: str) -> Any:
    from qdrant_client import QdrantClient

    path = Path(folder).expanduser()
    if not (path / "meta.json").is_file():
        raise wrong(f"There is no Qdrant database in {folder!r}.", "Name its folder.")
    try:
        client = QdrantClient(path=str(path))
    except RuntimeError as error:
        words = f"The Qdrant database in {folder!r} is open in another program."
        raise wrong(words, "Close it there, or run Qdrant's server.") from error
    if not client.collection_exists(collection):
        there = ", ".join(one.name for one in client.get_collections().collections) or "none"
        client.close()
        raise wrong(f"There is no collection {collection!r}; there are: {there}.")
    return client
