"""The node `retrieval.index`: make chunks searchable."""

from __future__ import annotations

from patchbay.nodes.contract import Context, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.retrieval import store
from patchbay.nodes.retrieval.build import index_key, make_index
from patchbay.nodes.retrieval.index import IndexSpec
from patchbay.nodes.values import Document, EmbeddingsSpec


class Index(Node):
    """Make chunks searchable, by meaning and by words, and keep that on disk.

    Vectors go into a Chroma database below the home folder, which LlamaIndex can read as well;
    words into a BM25 index beside it. It is kept by content: when nothing has changed nothing is
    embedded again, and when a file was edited only its new chunks are. Without embeddings it can
    only be searched by words. An index that is not opened for thirty days is removed.
    """

    kind, version = "retrieval.index", 1
    title, family, icon = "Index", "Retrieval", "book"
    synonyms = (
        "rag", "vector store", "vector database", "chroma", "bm25", "llamaindex",
        "knowledge base",
    )  # fmt: skip
    requires = ("chromadb", "llama_index", "bm25s")

    class Params(NodeParams):
        """No params."""

    class Inputs(Ports):
        chunks: list[Document] = port(doc="What to search in, best split into chunks.")
        embeddings: EmbeddingsSpec | None = port(None, doc="Turns texts into vectors.")

    class Outputs(Ports):
        index: IndexSpec = port(doc="The description; a retriever opens it.")

    @classmethod
    def repeatable(cls, params: Params, inputs: Ports) -> bool:
        """Whether the index is still on disk; otherwise it has to be made again."""
        try:
            key = index_key(_with_text(inputs["chunks"]), inputs["embeddings"])
        except NodeError:
            return False
        return store.facts(key) is not None

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        chunks = _with_text(inputs.chunks)
        if not chunks:
            raise NodeError(
                "There is nothing to index: no chunk holds text.",
                fix="Wire documents that hold text.",
                port="chunks",
                code="retrieval/no-text",
                retry=False,
            )
        return self.Outputs(index=await make_index(chunks, inputs.embeddings, ctx))


def _with_text(chunks: list[Document]) -> list[Document]:
    return [chunk for chunk in chunks if chunk.text.strip()]
