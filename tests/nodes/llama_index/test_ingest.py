"""The node `llama_index.ingest`, over the real LlamaIndex."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.llama_index.ingest import Ingest
from patchbay.nodes.testing import ScriptedModel, run_node
from patchbay.nodes.values import Document

TEXT = "Bees are kept here. They live in seven hives. Honey is sold in jars. Wax is not sold."
DOCUMENTS = [Document(text=TEXT, metadata={"source": "bees.md"}), Document(text="  ")]


def ingest(params: dict[str, Any], **inputs: Any) -> list[Document]:
    return list(run_node(Ingest, params, {"documents": DOCUMENTS, **inputs})["chunks"])


def test_sentences_stay_whole() -> None:
    chunks = ingest({"size": 16, "overlap": 0})
    assert len(chunks) > 1
    assert all(chunk.text.endswith(".") for chunk in chunks)
    assert " ".join(chunk.text for chunk in chunks) == TEXT
    assert all(chunk.metadata["source"] == "bees.md" for chunk in chunks)


def test_a_window_of_neighbours_is_noted() -> None:
    chunks = ingest({"by": "sentence window", "window": 1})
    assert chunks[1].text.strip() == "They live in seven hives."
    window = str(chunks[1].metadata["window"])
    assert "Bees are kept here." in window
    assert "Honey is sold" in window
    assert "Wax" not in window


def test_a_model_notes_what_chunks_say() -> None:
    ScriptedModel.asked.clear()
    model = ScriptedModel(lines=(("[Kk]eyword", "bees, hives"), ("", "About bees.")))
    (chunk,) = ingest({"extract": ["keywords", "summary"], "max_tokens": 20}, model=model)
    assert chunk.metadata["excerpt_keywords"] == "bees, hives"
    assert chunk.metadata["section_summary"] == "About bees."
    assert chunk.text == TEXT
    assert all(options["max_tokens"] == 20 for _, options in ScriptedModel.asked)


def test_a_note_needs_a_model() -> None:
    with pytest.raises(NodeError, match="keywords need one"):
        ingest({"extract": ["keywords"]})


def test_an_overlap_as_large_as_the_chunk_is_refused() -> None:
    with pytest.raises(ValidationError, match="must be smaller than the size"):
        Ingest.Params(size=32, overlap=32)


def test_the_same_is_cut_the_same() -> None:
    assert ingest({}) == ingest({})
