"""Vectors of an embeddings model that are none: said by everybody who counts with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest

from patchbay.nodes.embedded import checked, embedded, embedded_query
from patchbay.nodes.encoders.things import vectors_of
from patchbay.nodes.errors import NodeError
from patchbay.nodes.memory.recall import Recall
from patchbay.nodes.memory.remember import Remember
from patchbay.nodes.prompts.select_examples import SelectExamples
from patchbay.nodes.retrieval.index_node import Index
from patchbay.nodes.techniques.meaning import vote_by_meaning
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.values import Document, EmbeddingsSpec, Opening

NAN = float("nan")
GIVEN: dict[str, Any] = {
    "not a number": [1.0, NAN], "endless": [1.0, float("inf")], "empty": [], "words": ["a", "b"],
    "nothing": None,
}  # fmt: skip


class Broken(EmbeddingsSpec):
    """Embeddings that give the same for every text."""

    backend: ClassVar[str] = "broken"
    name: str

    def open(self, opening: Opening) -> Any:
        return self

    def embed_documents(self, texts: list[str]) -> list[Any]:
        return [GIVEN[self.name] for _ in texts]

    def embed_query(self, text: str) -> Any:
        return GIVEN[self.name]


@pytest.mark.parametrize("name", GIVEN)
def test_it_is_said(name: str) -> None:
    model: Any = Broken(name=name)
    for ask in (lambda: embedded(model, ["a", "b"]), lambda: embedded_query(model, "a")):
        with pytest.raises(NodeError) as caught:
            ask()
        assert caught.value.code == "retrieval/bad-vectors"


@pytest.mark.parametrize(
    ("rows", "count", "long"),
    [([[1.0]], 2, 0), ([[1.0], [2.0]], 1, 0), ([[1.0], [1.0, 2.0]], 2, 0), ([1.0], 1, 0),
     ([[1.0, 2.0]], 1, 3), ([], 1, 0)],
)  # fmt: skip
def test_as_many_and_as_long_as_there_should_be(rows: Any, count: int, long: int) -> None:
    with pytest.raises(NodeError, match=f"for each of {count} texts"):
        checked(rows, count, long)


def test_no_texts_have_no_vectors() -> None:
    assert checked([], 0).shape == (0, 0)
    assert checked([[1, 2]], 1, 2).tolist() == [[1.0, 2.0]]


async def test_everybody_says_it() -> None:
    spec, ctx = Broken(name="not a number"), RecordingContext()
    calls = (
        lambda: vectors_of(spec, ["a", "b"], [], ctx),
        lambda: vote_by_meaning(["a", "b"], spec, 0.9, ctx),
    )
    for call in calls:
        with pytest.raises(NodeError, match="NaN"):
            await call()


def test_nodes_say_it(tmp_path: Path) -> None:
    spec = Broken(name="not a number")
    ctx = RecordingContext(folder=tmp_path)
    examples = [{"input": "a", "output": "b"}, {"input": "c", "output": "d"}]
    documents = [Document(text="a"), Document(text="b")]
    given: tuple[tuple[Any, Any, Any], ...] = (
        (Remember, {}, {"text": "The sea is blue.", "embeddings": spec}),
        (SelectExamples, {"examples": examples, "method": "similar", "count": 1},
         {"input": "a", "embeddings": spec}),
        (Index, {}, {"chunks": documents, "embeddings": spec}),
    )  # fmt: skip
    for node, params, inputs in given:
        with pytest.raises(NodeError, match="NaN"):
            run_node(node, params, inputs, ctx)


def test_what_was_kept_of_another_length_is_embedded_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server's model can change behind its name."""
    ctx, spec = RecordingContext(), Broken(name="turned")
    monkeypatch.setitem(GIVEN, "turned", [1.0, 0.0])
    run_node(Remember, {}, {"text": "The sea is blue.", "embeddings": spec}, ctx)
    monkeypatch.setitem(GIVEN, "turned", [1.0, 0.0, 0.0])
    got = run_node(Recall, {}, {"query": "sea", "embeddings": spec}, ctx)
    assert [(d.text, d.score) for d in got["documents"]] == [("The sea is blue.", 1.0)]
