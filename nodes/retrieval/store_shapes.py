"""How vector databases are asked by HTTP, and what they answer, as their makers document it.

Each is one request for the nearest vectors, as of November 2026: Qdrant's points/query, Chroma's
v2 query, Pinecone's data plane, Astra DB's Data API.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from patchbay.nodes.errors import NodeError
from patchbay.nodes.tools.send import HttpCall
from patchbay.nodes.values import Document


@dataclass(frozen=True)
class Nearest:
    """What is looked for. `space` is Pinecone's or Qdrant's namespace, or Astra's keyspace."""

    base: str
    collection: str
    vector: Sequence[float]
    k: int
    key: str = ""
    space: str = ""
    text_field: str = "text"


@dataclass(frozen=True)
class StoreShape:
    """One service: the request, and the documents in its answer, the best first."""

    ask: Callable[[Nearest], HttpCall]
    read: Callable[[Any, Nearest], list[Document]]


def post(url: str, body: Mapping[str, Any], **headers: str) -> HttpCall:
    """A request with JSON, whose other headers go to the first host only."""
    private = frozenset(name.lower() for name in headers)
    sent = {"Content-Type": "application/json", **{k: v for k, v in headers.items() if v}}
    return HttpCall("POST", url, sent, json.dumps(body).encode(), private)


def _qdrant(q: Nearest) -> HttpCall:
    body: dict[str, Any] = {"query": list(q.vector), "limit": q.k, "with_payload": True}
    if q.space:
        body["using"] = q.space
    path = f"{q.base}/collections/{quote(q.collection, safe='')}/points/query"
    return post(path, body, **{"api-key": q.key})


def _qdrant_read(answer: Any, q: Nearest) -> list[Document]:
    return [
        document(point.get("payload") or {}, q.text_field, float(point["score"]))
        for point in answer["result"]["points"]
    ]


def chroma_path(
    base: str, tenant: str = "default_tenant", database: str = "default_database"
) -> str:
    """Where the collections of a Chroma server are."""
    return f"{base}/api/v2/tenants/{tenant}/databases/{database}/collections"


def _chroma(q: Nearest) -> HttpCall:
    body = {
        "query_embeddings": [list(q.vector)], "n_results": q.k,
        "include": ["documents", "metadatas", "distances"],
    }  # fmt: skip
    path = f"{chroma_path(q.base)}/{quote(q.collection, safe='')}/query"
    return post(path, body, **{"X-Chroma-Token": q.key})


def _chroma_read(answer: Any, q: Nearest) -> list[Document]:
    rows = zip(answer["documents"][0], answer["metadatas"][0], answer["distances"][0], strict=True)
    return [
        Document(text=text or "", metadata=meta or {}, score=1 - float(distance))
        for text, meta, distance in rows
    ]


def _pinecone(q: Nearest) -> HttpCall:
    body: dict[str, Any] = {"vector": list(q.vector), "topK": q.k, "includeMetadata": True}
    if q.space:
        body["namespace"] = q.space
    named = {"Api-Key": q.key, "X-Pinecone-Api-Version": "2025-04"}
    return post(f"{q.base}/query", body, **named)


def _pinecone_read(answer: Any, q: Nearest) -> list[Document]:
    return [
        document(match.get("metadata") or {}, q.text_field, float(match["score"]))
        for match in answer["matches"]
    ]


def _astra(q: Nearest) -> HttpCall:
    find = {
        "sort": {"$vector": list(q.vector)},
        "options": {"limit": q.k, "includeSimilarity": True},
    }
    space, collection = quote(q.space or "default_keyspace", safe=""), quote(q.collection, safe="")
    return post(f"{q.base}/api/json/v1/{space}/{collection}", {"find": find}, Token=q.key)


def _astra_read(answer: Any, q: Nearest) -> list[Document]:
    found = []
    for row in answer["data"]["documents"]:
        inner = row.get("metadata") if isinstance(row.get("metadata"), dict) else {}
        own = {k: v for k, v in row.items() if not k.startswith("$") and k != "metadata"}
        found.append(document({**inner, **own}, q.text_field, float(row["$similarity"])))
    return found


def document(payload: Mapping[str, Any], field: str, score: float) -> Document:
    """A payload as a document: one field is its text, the others its metadata."""
    named = next((name for name in (field, *_USUAL) if isinstance(payload.get(name), str)), "")
    inner = payload.get("metadata")
    rest = {k: v for k, v in payload.items() if k != named and k != "metadata"}
    meta = {**(inner if isinstance(inner, dict) else {}), **rest}
    return Document(text=str(payload.get(named, "")), metadata=meta, score=score)


_USUAL = ("text", "page_content", "content", "document", "pageContent")
"""The fields under which LangChain, LangFlow and others keep a text."""

SHAPES: Mapping[str, StoreShape] = {
    "qdrant": StoreShape(_qdrant, _qdrant_read),
    "chroma": StoreShape(_chroma, _chroma_read),
    "pinecone": StoreShape(_pinecone, _pinecone_read),
    "astra": StoreShape(_astra, _astra_read),
}


def wrong(message: str, fix: str = "Check collection, url and embeddings.") -> NodeError:
    """What is wrong with the database."""
    return NodeError(message, fix=fix, code="retrieval/store", retry=False)
