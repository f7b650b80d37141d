"""Select examples: from a table, a file or JSON, by every method."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
from langchain_core.embeddings import Embeddings

from patchbay.nodes.contract import NodeError
from patchbay.nodes.io.files import file_ref
from patchbay.nodes.prompts.few_shot import FewShot
from patchbay.nodes.prompts.select_examples import SelectExamples
from patchbay.nodes.testing import run_node
from patchbay.nodes.values import EmbeddingsSpec, Opening

RECORDS = [
    {"text": "cats purr", "label": "animal"},
    {"text": "dogs bark", "label": "animal"},
    {"text": "trains stop", "label": "thing"},
]
FIELDS = {"input_field": "text", "output_field": "label"}


class Letters(Embeddings):
    """Counts of letters: real vectors without a model."""

    def embed_query(self, text: str) -> list[float]:
        return [float(text.count(letter)) for letter in "abcdefghijklmnopqrstuvwxyz"]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]


class LettersSpec(EmbeddingsSpec):
    backend: ClassVar[str] = "letters"

    def open(self, opening: Opening) -> Letters:
        return Letters()


def chosen(method: str, count: int = 2, **inputs: Any) -> list[str]:
    params = {"method": method, "count": count, **FIELDS}
    out = run_node(SelectExamples, params, {"source": RECORDS, **inputs})
    assert [row[0] for row in out["table"].rows] == [e["input"] for e in out["examples"]]
    return [example["input"] for example in out["examples"]]


def test_the_first_ones() -> None:
    assert chosen("first") == ["cats purr", "dogs bark"]


def test_every_label() -> None:
    out = run_node(
        SelectExamples, {"method": "balanced", "count": 2, **FIELDS}, {"source": RECORDS}
    )
    assert [example["output"] for example in out["examples"]] == ["animal", "thing"]


def test_by_similarity_with_the_nearest_last() -> None:
    given = {"input": "a dog barks", "embeddings": LettersSpec()}
    assert chosen("similar", 1, **given) == ["dogs bark"]
    assert chosen("similar", 3, **given)[-1] == "dogs bark"


def test_by_maximal_marginal_relevance() -> None:
    given = {"input": "cats purr", "embeddings": LettersSpec()}
    assert chosen("diverse", 3, **given)[-1] == "cats purr"
    assert len(set(chosen("diverse", 3, **given))) == 3


@pytest.mark.parametrize(
    ("inputs", "port"),
    [({"input": "x"}, "embeddings"), ({"embeddings": LettersSpec()}, "input")],
)
def test_what_a_method_needs(inputs: dict[str, Any], port: str) -> None:
    with pytest.raises(NodeError) as caught:
        chosen("similar", **inputs)
    assert (caught.value.port, caught.value.code) == (port, "prompt/selection")


@pytest.mark.parametrize("ending", ["jsonl", "json", "csv"])
def test_from_a_file(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"cases.{ending}"
    written = {
        "jsonl": "\n".join(json.dumps(record) for record in RECORDS),
        "json": json.dumps(RECORDS),
        "csv": "text,label\n" + "".join(f"{r['text']},{r['label']}\n" for r in RECORDS),
    }
    path.write_text(written[ending], encoding="utf-8")
    source = file_ref(path, "test")
    out = run_node(SelectExamples, {"method": "first", "count": 9, **FIELDS}, {"source": source})
    assert [example["input"] for example in out["examples"]] == [r["text"] for r in RECORDS]


def test_they_feed_a_few_shot_prompt() -> None:
    out = run_node(SelectExamples, {"method": "first", "count": 1, **FIELDS}, {"source": RECORDS})
    prompt = run_node(FewShot, {}, {"input": "cows moo", "examples": out["examples"]})
    assert prompt["text"].endswith("Input: cats purr\nOutput: animal\n\nInput: cows moo\nOutput:")
