"""The node that describes the local embeddings model."""

from __future__ import annotations

from patchbay.nodes.retrieval.local_embeddings import LocalEmbeddings
from patchbay.nodes.retrieval.local_embeddings_node import LocalEmbeddingsNode
from patchbay.nodes.testing import run_node


def test_it_only_describes() -> None:
    out = run_node(LocalEmbeddingsNode, {"batch": 8})
    assert out["embeddings"] == LocalEmbeddings(batch=8)
    assert LocalEmbeddingsNode.facts(LocalEmbeddingsNode.Params())["Dimensions"] == "384"
    assert LocalEmbeddingsNode.summary(LocalEmbeddingsNode.Params()) == "all-minilm-l6-v2"


def test_params_and_description_have_the_same_fields() -> None:
    assert LocalEmbeddings(**LocalEmbeddingsNode.Params().model_dump()) == LocalEmbeddings()
