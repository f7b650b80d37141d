"""The description of an index."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, JsonValue

from patchbay.nodes.errors import NodeError
from patchbay.nodes.values import EmbeddingsSpec, Opening, Spec

if TYPE_CHECKING:
    from patchbay.nodes.retrieval.open_index import OpenIndex


class IndexSpec(Spec):
    """Chunks that can be searched: by words, and by meaning where there are embeddings.

    `key` is the hash of the chunks and of what their vectors depend on, and names the folder below
    the home folder; `chunks` is how many there are.
    """

    port: ClassVar[str] = "index"
    backend: ClassVar[str] = "chroma"

    key: str = Field(pattern=r"^[0-9a-f]{64}$")
    chunks: int
    embeddings: EmbeddingsSpec | None = None

    def content_key(self) -> JsonValue:
        """The key says it all."""
        return {"$type": self.tag(), "key": self.key}

    def parts(self) -> tuple[Spec, ...]:
        """The index is opened without its embeddings: a search by words needs none."""
        return ()

    def memory(self) -> int | None:
        """Estimated bytes: texts and vectors."""
        return self.chunks * 4096

    def open(self, opening: Opening) -> OpenIndex:
        """Open what is on disk.

        Raises:
            NodeError: it is not there (any more).
        """
        from patchbay.nodes.retrieval.open_index import OpenIndex
        from patchbay.nodes.retrieval.store import facts, forget

        known = facts(self.key)
        if known is None:
            raise gone()
        try:
            opened = OpenIndex(self.key, known)
            try:
                opened.check()
            except BaseException:
                opened.close()
                raise
        except NodeError:
            raise
        except Exception as error:  # Chroma, BM25 and JSON each have their own for a torn file
            forget(self.key)
            raise damaged(error) from error
        return opened


def damaged(error: Exception) -> NodeError:
    """The files of the index cannot be read, and have been removed."""
    return NodeError(
        f"The index was damaged ({type(error).__name__}) and has been removed.",
        fix="Run the flow again; the index is then made again from its documents.",
        port="index",
        code="retrieval/damaged",
        retry=False,
    )


def gone() -> NodeError:
    """The index is not in its place."""
    return NodeError(
        "The index is not on this machine (any more): it was made in another home folder, removed, "
        "or its embeddings have changed since.",
        fix="Run the flow from the index on; it is then made again.",
        code="retrieval/index-gone",
        retry=False,
    )
