"""The node that describes an embeddings model of a hub, or in a folder."""

from __future__ import annotations

from patchbay.nodes.retrieval.huggingface_embeddings_node import HuggingFaceEmbeddingsNode
from patchbay.nodes.retrieval.local_embeddings import HuggingFaceEmbeddings
from patchbay.nodes.testing import run_node
from patchbay.nodes.values import EmbeddingsSpec, port_type


def test_it_only_describes() -> None:
    out = run_node(HuggingFaceEmbeddingsNode, {"weights": "hf:some/model@main"})
    assert out["embeddings"] == HuggingFaceEmbeddings(weights="hf:some/model@main")
    assert port_type(EmbeddingsSpec).accepts(out["embeddings"])


def test_the_summary_is_the_name_of_the_repository() -> None:
    params = HuggingFaceEmbeddingsNode.Params()
    assert HuggingFaceEmbeddingsNode.summary(params) == "all-MiniLM-L6-v2"
