"""Vector store: Qdrant in process and Chroma's own server for real, the others by their shapes."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.retrieval.search import Search
from patchbay.nodes.retrieval.store_node import FilledStore
from patchbay.nodes.retrieval.store_spec import StoreRetriever
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.values import Document
from tests.nodes.retrieval.scripted import Letters
from tests.nodes.web.conftest import Site, site
from tests.ports import free_ports

__all__ = ["site"]

TEXTS = ["aaa", "bbb", "abc", "zzz"]
LETTERS = Letters().open(None)  # type: ignore[arg-type]


def retriever(**params: Any) -> StoreRetriever:
    checked = FilledStore.Params.model_validate({"k": 2, **params})
    outputs = FilledStore.describe(checked, FilledStore.Inputs(embeddings=Letters()))
    return outputs.retriever


def found(query: str = "aa", ctx: Any = None, **params: Any) -> list[Document]:
    given = {"retriever": retriever(**params), "query": query}
    return list(run_node(Search, {}, given, ctx or RecordingContext())["documents"])


# --- Qdrant, in process ---------------------------------------------------------------------------


@pytest.fixture
def qdrant(tmp_path: Path) -> Path:
    from qdrant_client import QdrantClient, models

    client = QdrantClient(path=str(tmp_path / "q"))
    client.create_collection(
        "notes", vectors_config=models.VectorParams(size=32, distance=models.Distance.COSINE)
    )
    client.upsert(
        "notes",
        points=[
            models.PointStruct(
                id=number,
                vector=LETTERS.embed_query(text),
                payload={"page_content": text, "metadata": {"n": number}, "kind": "note"},
            )
            for number, text in enumerate(TEXTS)
        ],
    )
    client.close()
    return tmp_path / "q"


def test_a_qdrant_folder_is_searched(qdrant: Path):
    first, second = found(folder=str(qdrant), collection="notes")
    assert (first.text, first.metadata) == ("aaa", {"n": 0, "kind": "note"})
    assert second.text == "abc"
    assert first.score is not None
    assert first.score > 0.99 > (second.score or 0)
    assert [d.text for d in found(folder=str(qdrant), collection="notes", threshold=0.9)] == ["aaa"]


def test_what_is_not_there_is_said(qdrant: Path, tmp_path: Path):
    for params, words in (
        ({"folder": str(qdrant), "collection": "nope"}, "no collection 'nope'; there are: notes"),
        ({"folder": str(tmp_path)}, "no Qdrant database"),
    ):
        with pytest.raises(NodeError, match=words) as failure:
            found(**params)
        assert failure.value.code == "retrieval/store"


# --- Chroma's own server --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chroma(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    import chromadb

    program = Path(sys.executable).with_name("chroma")
    if not program.exists() and not (found_ := shutil.which("chroma")):
        pytest.skip("no chroma program")
    program = program if program.exists() else Path(found_)
    [port] = free_ports(1)
    folder = tmp_path_factory.mktemp("chroma")
    command = [
        str(program),
        "run",
        "--path",
        str(folder),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 240
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        client = chromadb.HttpClient(host="127.0.0.1", port=port)
        collection = client.create_collection("notes", metadata={"hnsw:space": "cosine"})
        collection.add(
            ids=[str(n) for n in range(4)],
            documents=TEXTS,
            metadatas=[{"n": n} for n in range(4)],
            embeddings=[LETTERS.embed_query(text) for text in TEXTS],
        )
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)


def test_a_chroma_server_is_searched(chroma: str):
    where = {"store": "chroma", "url": chroma, "allow_loopback": True}
    first, second = found(collection="notes", **where)
    assert (first.text, first.metadata, second.text) == ("aaa", {"n": 0}, "abc")
    assert first.score is not None
    assert first.score > 0.99
    with pytest.raises(NodeError, match="status 4"):
        found(collection="nope", **where)


# --- by their documented shapes -------------------------------------------------------------------

SHAPES: dict[str, tuple[str, Any, str, dict[str, Any]]] = {
    "qdrant": ("/collections/c%20d/points/query", {
        "result": {"points": [{"id": 1, "version": 3, "score": 0.9,
                               "payload": {"text": "bees", "n": 1}}]},
        "status": "ok", "time": 0.001}, "api-key", {"limit": 2, "with_payload": True}),
    "pinecone": ("/query", {
        "matches": [{"id": "a", "score": 0.9, "values": [], "metadata": {"text": "bees", "n": 1}}],
        "namespace": "s", "usage": {"readUnits": 5}}, "api-key", {"topK": 2, "namespace": "s"}),
    "astra": ("/api/json/v1/s/c%20d", {
        "data": {"documents": [{"_id": "a", "content": "bees", "metadata": {"n": 1},
                                "$similarity": 0.9}], "nextPageState": None}}, "token", {}),
}  # fmt: skip


@pytest.mark.parametrize("store", SHAPES)
def test_the_others_by_their_shapes(site: Site, store: str):
    path, answer, header, body = SHAPES[store]
    site.says(path, json.dumps(answer))
    ctx = RecordingContext(secrets={"K": "k-1"})
    [one] = found(
        ctx=ctx, store=store, collection="c d", url=site.url, key={"secret": "K"},
        space="" if store == "qdrant" else "s", allow_loopback=True,
    )  # fmt: skip
    assert (one.text, one.score, one.metadata["n"]) == ("bees", 0.9, 1)
    [call] = site.asked
    assert (call.method, call.headers[header]) == ("POST", "k-1")
    sent = json.loads(call.body)
    assert body.items() <= sent.items()
    vector = LETTERS.embed_query("aa")
    assert json.dumps(vector) in call.body.decode()


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ('{"status": {"error": "Not found: Collection"}}', 404, "status 404.*Collection"),
        ('{"status": "forbidden"}', 403, "status 403"),
        ('{"result": []}', 200, "answers otherwise"),
        ("<html>", 200, "answers otherwise"),
    ],
)
def test_an_answer_that_says_no(site: Site, body: str, status: int, words: str):
    site.says("/collections/documents/points/query", body, status)
    with pytest.raises(NodeError, match=words):
        found(url=site.url, allow_loopback=True)


def test_a_private_address_is_refused(site: Site):
    with pytest.raises(NodeError, match="not a public address"):
        found(url=site.url)


def test_no_place_is_a_problem_while_drawing():
    with pytest.raises(NodeError, match="No place"):
        retriever()


@pytest.mark.parametrize(
    "params",
    [{"url": "http://x", "folder": "y"}, {"store": "chroma", "folder": "y"}, {"url": "ftp://x"},
     {"store": "redis"}],
)  # fmt: skip
def test_bad_settings_are_refused(params: dict[str, Any]):
    with pytest.raises(ValidationError):
        FilledStore.Params.model_validate(params)
