"""Embeddings that see colours, and facts to find by them."""

from __future__ import annotations

from typing import Any, ClassVar

from patchbay.nodes.memory.recall import Recall
from patchbay.nodes.memory.remember import Remember
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.values import EmbeddingsSpec, Opening

COLOURS = ("red", "green", "blue")


class Colours(EmbeddingsSpec):
    """Embeddings that see colours alone. `name` makes another model of it."""

    backend: ClassVar[str] = "colours"
    name: str = "one"

    def open(self, opening: Opening) -> Any:
        return self

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [[float(colour in text) for colour in COLOURS] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


FACTS = ("The sea is blue.", "Grass is green.", "Blood is red, the sky blue.")


def kept(ctx: RecordingContext, embeddings: Colours | None, scope: str = "person") -> None:
    for fact in FACTS:
        run_node(Remember, {"scope": scope}, {"text": fact, "embeddings": embeddings}, ctx)


def found(ctx: RecordingContext, query: str, embeddings: Colours | None = None, **params: Any):
    got = run_node(Recall, params, {"query": query, "embeddings": embeddings}, ctx)
    assert got["text"] == "\n".join(document.text for document in got["documents"])
    return [(document.text, document.score) for document in got["documents"]]
