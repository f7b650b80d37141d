"""An index that is open for search."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from patchbay.nodes.embedded import embedded
from patchbay.nodes.errors import NodeError
from patchbay.nodes.retrieval.bm25 import Words
from patchbay.nodes.retrieval.chroma import open_chroma
from patchbay.nodes.retrieval.ranking import Hit
from patchbay.nodes.retrieval.store import COLLECTION, forget, index_dir
from patchbay.nodes.retrieval.vectors import PROBE, VectorStore, alike
from patchbay.nodes.values import Document

if TYPE_CHECKING:
    import numpy as np
    from langchain_core.embeddings import Embeddings
    from llama_index.core import VectorStoreIndex
    from numpy.typing import NDArray


class OpenIndex:
    """The chunks of an index by number, found by vectors (Chroma) or by words (BM25).

    Args:
        key: of the index.
        facts: what `index.json` says.
    """

    def __init__(self, key: str, facts: dict[str, Any]) -> None:
        self.key, self._facts = key, facts
        self._folder = index_dir(key)
        (self._folder / "index.json").touch()  # in use: not to be removed as old
        self.has_vectors = (self._folder / "chroma").is_dir()
        self._client = open_chroma(self._folder / "chroma") if self.has_vectors else None
        self._lock, self._proven = threading.Lock(), False

    def check(self) -> None:
        """Read what is on disk as far as that is quick. Raises what the libraries raise."""
        chunks = self._facts["chunks"]
        if len(self.documents) != chunks:
            raise ValueError("chunks are missing")
        if self.has_vectors and self.collection.count() != chunks:
            raise ValueError("vectors are missing")

    @cached_property
    def documents(self) -> list[Document]:
        """All chunks, by number."""
        with (self._folder / "documents.jsonl").open(encoding="utf-8") as file:
            return [Document.model_construct(**json.loads(line), score=None) for line in file]

    @cached_property
    def _words(self) -> Words:
        return Words(self._folder / "bm25")

    @cached_property
    def collection(self) -> Any:
        """The Chroma collection that holds the vectors."""
        if self._client is None:
            raise NodeError(
                "The index has no vectors: no embeddings are wired into it.",
                fix="Wire embeddings into the index, or search by words (BM25).",
                code="retrieval/no-vectors",
                retry=False,
            )
        return self._client.get_collection(COLLECTION, embedding_function=None)

    def by_words(self, query: str, most: int, among: Collection[int] | None = None) -> list[Hit]:
        """The chunks that share words with the query, by BM25 score."""
        return self._words.search(query, most, among)

    def by_vector(
        self, vector: Sequence[float], most: int, among: Collection[int] | None = None
    ) -> list[Hit]:
        """The chunks whose vectors are nearest, with their cosine.

        Raises:
            NodeError: the vector is of another length than those of the index.
        """
        if among is not None and not among:
            return []
        collection = self.collection
        if len(vector) != self._facts["dimensions"]:
            raise self._changed(f"{len(vector)} numbers, not {self._facts['dimensions']}")
        found = collection.query(
            query_embeddings=[list(vector)],
            n_results=min(most, len(self.documents) if among is None else len(among)),
            ids=None if among is None else [str(number) for number in among],
            include=["distances"],
        )
        pairs = zip(found["ids"][0], found["distances"][0], strict=True)
        return [(int(name), 1.0 - float(distance)) for name, distance in pairs]

    def vectors(self, numbers: Sequence[int]) -> NDArray[np.float32]:
        """The vectors of chunks, scaled to length one, in the order asked for."""
        import numpy as np

        found = self.collection.get(ids=[str(n) for n in numbers], include=["embeddings"])
        by_name = dict(zip(found["ids"], found["embeddings"], strict=True))
        rows = np.array([by_name[str(n)] for n in numbers], dtype=np.float32)
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        scaled: NDArray[np.float32] = rows / np.maximum(lengths, 1e-9)
        return scaled

    def cosines(self, vector: Sequence[float], numbers: Sequence[int]) -> list[Hit]:
        """Chunks with their cosine to a vector, in the order asked for."""
        import numpy as np

        if not numbers:
            return []
        query = np.array(vector, dtype=np.float32)
        length = max(float(np.linalg.norm(query)), 1e-9)
        scores = self.vectors(numbers) @ (query / length)
        return [(n, float(score)) for n, score in zip(numbers, scores, strict=True)]

    def prove(self, embeddings: Embeddings) -> None:
        """Make sure, once, that a model still gives the vectors that the index was made with.

        Raises:
            NodeError: it does not. The index then counts as absent, and is made again when the
                flow runs.
        """
        import numpy as np

        with self._lock:
            if self._proven:
                return
            now = embedded(embeddings, [PROBE])[0].astype("float32")
            if not alike(now, np.array(self._facts["probe"], dtype=np.float32)):
                raise self._changed("other vectors for the same text")
            self._proven = True

    def _changed(self, how: str) -> NodeError:
        VectorStore(self._facts["embeddings"]).clear()
        forget(self.key)
        return NodeError(
            f"The embeddings have changed since the index was made: they now give {how}.",
            fix="Run the flow again; the index is then made again with the new embeddings.",
            code="retrieval/embeddings-changed",
            retry=False,
        )

    def llama_index(self, embeddings: Embeddings) -> VectorStoreIndex:
        """The same chunks and vectors as an index of LlamaIndex, for whoever speaks that."""
        from llama_index.core import VectorStoreIndex
        from llama_index.embeddings.langchain import LangchainEmbedding
        from llama_index.vector_stores.chroma import ChromaVectorStore

        store = ChromaVectorStore(chroma_collection=self.collection)
        return VectorStoreIndex.from_vector_store(
            store, embed_model=LangchainEmbedding(embeddings, model_name="patchbay")
        )

    def close(self) -> None:
        """Let go of the database."""
        if self._client is not None:
            self._client.close()
