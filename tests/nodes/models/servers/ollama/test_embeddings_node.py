"""Embeddings through Ollama's real client, on a server that speaks its protocol."""

from __future__ import annotations

from typing import Any

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.servers.ollama.embeddings import OllamaEmbeddings
from patchbay.nodes.models.servers.ollama.embeddings_node import OllamaEmbeddingsNode
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.values import decode, encode
from tests.nodes.models.ollama_server import OllamaServer


def described(**params: Any) -> OllamaEmbeddings:
    model = run_node(OllamaEmbeddingsNode, params)["embeddings"]
    assert isinstance(model, OllamaEmbeddings)
    return model


def test_it_describes_and_asks_nobody() -> None:
    model = described()
    assert decode(encode(model), {model.tag(): OllamaEmbeddings}) == model
    params = OllamaEmbeddingsNode.Params(base_url="http://gpu:1")
    assert OllamaEmbeddingsNode.summary(params) == "all-minilm · gpu:1"


def test_the_models_of_the_server_can_be_chosen(ollama: OllamaServer) -> None:
    params = OllamaEmbeddingsNode.Params(base_url=ollama.url)
    assert OllamaEmbeddingsNode.choices("model", params, str) == ["smollm2:135m"]
    assert OllamaEmbeddingsNode.choices("pull", params, str) is None


def test_real_vectors_of_a_model_that_is_fetched_first(ollama: OllamaServer) -> None:
    ctx = RecordingContext()
    spec = described(model="smollm2", pull=True, base_url=ollama.url, keep_alive=60, batch=2)
    vectors = spec.open(ctx).embed_documents(["A cat.", "A dog.", "A bank."])
    assert [len(vector) for vector in vectors] == [576] * 3
    assert ctx.progressed[-1][0] == "Ollama: success"
    assert ollama.last("/api/embed")["input"] == ["A bank."]
    assert ollama.last("/api/embed")["keep_alive"] == 60


def test_what_goes_wrong_is_said_in_words(ollama: OllamaServer) -> None:
    with pytest.raises(NodeError, match="has no model 'all-minilm'"):
        described(base_url=ollama.url).open(RecordingContext())
    with pytest.raises(NodeError) as caught:
        described(base_url="http://127.0.0.1:9").open(RecordingContext())
    assert "`ollama serve`" in caught.value.fix
