"""Embeddings from llama.cpp's own server, through LangChain's OpenAI client."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.servers.embeddings import unit
from patchbay.nodes.models.servers.openai.embeddings import OpenAiEmbeddings
from patchbay.nodes.models.servers.openai.embeddings_node import OpenAiEmbeddingsNode
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.values import decode, encode
from tests.nodes.models.gate import Gate, open_gate
from tests.nodes.models.llama_server import KEY, NAME, LlamaServer

CTX = RecordingContext(secrets={"SOME_KEY": KEY})
KEYED = {"secret": "SOME_KEY"}
TEXTS = ["A cat sleeps.", "The dog barks.", "Stocks fell sharply."]


@pytest.fixture
def gate(llama_server: LlamaServer) -> Iterator[Gate]:
    with open_gate(llama_server.url) as gate:
        yield gate


def described(**params: Any) -> OpenAiEmbeddings:
    model = run_node(OpenAiEmbeddingsNode, {"api_key": KEYED, **params})["embeddings"]
    assert isinstance(model, OpenAiEmbeddings)
    return model


def test_it_describes_and_asks_nobody() -> None:
    model = described(model="m", dimensions=64)
    assert decode(encode(model), {model.tag(): OpenAiEmbeddings}) == model
    assert OpenAiEmbeddingsNode.summary(OpenAiEmbeddingsNode.Params()) == "127.0.0.1:8080/v1"


def test_the_models_of_the_server_can_be_chosen(llama_server: LlamaServer) -> None:
    params = OpenAiEmbeddingsNode.Params(base_url=llama_server.v1, api_key=KEYED)
    assert OpenAiEmbeddingsNode.choices("model", params, CTX.secret) == [NAME]
    assert OpenAiEmbeddingsNode.choices("batch", params, CTX.secret) is None


def test_real_vectors_of_length_one_in_batches(gate: Gate) -> None:
    model = described(base_url=gate.v1, model=NAME, batch=2).open(CTX)
    vectors = model.embed_documents(TEXTS)
    assert [len(vector) for vector in vectors] == [576] * 3
    assert all(math.isclose(math.fsum(x * x for x in v), 1, rel_tol=1e-6) for v in vectors)
    assert len(gate.requests) == 2
    again = model.embed_query(TEXTS[0])
    assert sum(a * b for a, b in zip(vectors[0], again, strict=True)) > 0.999
    assert vectors[0] != vectors[1]
    model.close()


def test_no_texts_ask_nobody(gate: Gate) -> None:
    assert described(base_url=gate.v1, model=NAME).open(CTX).embed_documents([]) == []
    assert gate.requests == []


def test_what_the_model_wants_before_its_texts(gate: Gate) -> None:
    spec = described(base_url=gate.v1, model=NAME, query_prefix="q: ", document_prefix="d: ")
    model = spec.open(CTX)
    model.embed_query("cat")
    model.embed_documents(["cat"])
    assert [body["input"] for body in gate.bodies] == [["q: cat"], ["d: cat"]]


def test_a_busy_server_is_asked_again(gate: Gate) -> None:
    gate.refusals = [(429, {"Retry-After": "0"}, "Wait")]
    model = described(base_url=gate.v1, model=NAME).open(CTX)
    assert len(model.embed_query("cat")) == 576


def test_what_goes_wrong_is_said_in_words(gate: Gate) -> None:
    gate.refusals = [(401, {}, "Bad key")]
    model = described(base_url=gate.v1, model=NAME).open(CTX)
    with pytest.raises(NodeError, match="does not accept the key in the secret SOME_KEY"):
        model.embed_query("cat")
    gone = described(base_url="http://127.0.0.1:9/v1", model=NAME).open(CTX)
    with pytest.raises(NodeError, match="Nothing answers at"):
        gone.embed_query("cat")


def test_a_vector_of_zeros_stays_one() -> None:
    assert unit([0.0, 0.0]) == [0.0, 0.0]
    assert unit([3.0, 4.0]) == [0.6, 0.8]
