"""Who embeds texts is told how many of their own were cut, whoever else asks meanwhile."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from patchbay.nodes.cut_texts import CutTexts, with_cut
from patchbay.nodes.models.hosted.chat import HostedEmbeddings
from patchbay.nodes.retrieval.build import embed_counted
from patchbay.nodes.retrieval.far import FarEmbeddings

MOST = 3


class Cutting:
    """An embeddings model that reads three letters, and waits until all who ask are there."""

    def __init__(self, asking: int) -> None:
        self._cut, self._together = CutTexts(), threading.Barrier(asking)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self._together.wait()
        self._cut.add(sum(len(text) > MOST for text in texts))
        self._together.wait()
        return [[1.0] for _ in texts]

    def take_cut(self) -> int:
        return self._cut.take()


class Elsewhere:
    """What stands for the process in which a model is open."""

    def __init__(self, model: Cutting) -> None:
        self._model = model

    def call(self, method: str, name: str, given: Any) -> Any:
        assert method == "with_cut"
        return with_cut(self._model, getattr(self._model, name), given)

    def value(self, *, do: str, given: Any) -> Any:
        vectors, cut = self.call("with_cut", do, given)
        return {"vectors": vectors, "cut": cut}


TEXTS = (["long text", "longer text", "a"], ["b", "c"], ["d", "a long one"])


def test_each_is_told_of_its_own() -> None:
    models: list[Any] = [Cutting(3)]
    for kind in (FarEmbeddings, lambda there: HostedEmbeddings(there, MOST)):
        there: Any = Elsewhere(Cutting(3))
        models.append(kind(there))
    for model in models:
        with ThreadPoolExecutor(3) as pool:
            asked = [pool.submit(embed_counted, model, texts) for texts in TEXTS]
        assert [one.result()[1] for one in asked] == [2, 0, 1], type(model).__name__


def test_what_a_search_left_behind_is_nobodys() -> None:
    model = Cutting(1)
    model.embed_documents(["a question that is long"])
    assert with_cut(model, model.embed_documents, ["a"])[1] == 0
    assert with_cut(object(), len, "abc") == (3, 0), "one that does not say"
