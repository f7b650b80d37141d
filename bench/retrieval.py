"""Retrieval: strategies by figures, and indexing against Chroma and the model called directly."""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.home import home_at
from bench.table import Row
from bench.timing import interleave
from patchbay.flows import Run
from patchbay.flows.document.model import Edge, Flow, NodeInstance
from patchbay.flows.runs.defaults import default_catalog
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import RunFinished
from patchbay.flows.runs.resources import Pool
from patchbay.nodes.values import Document

QUESTIONS = Path(__file__).parent / "data" / "questions.jsonl"
TEXTS = Path(__file__).parents[1] / "flows" / "saved" / "texts"
CHUNKS = 1000
DEEP = 10
"""How far down the list MRR looks."""

STRATEGIES: Mapping[str, Mapping[str, Any]] = {
    "similarity": {"strategy": "similarity"},
    "mmr": {"strategy": "mmr", "relevance": 0.7},
    "bm25": {"strategy": "bm25"},
    "hybrid": {"strategy": "hybrid"},
}
ASKING: Mapping[str, Mapping[str, Any]] = {
    "similarity, hyde by the local model": {"strategy": "similarity", "expand": "hyde"},
    "bm25, rewritten by the local model": {"strategy": "bm25", "expand": "rewrite"},
}


def measure(quick: bool = False) -> Iterator[Row]:
    """Hit rate and MRR of each strategy, then seconds."""
    env = Environment(default_catalog(), Pool())
    with tempfile.TemporaryDirectory() as home, home_at(home):
        yield from _quality(env, STRATEGIES if quick else {**STRATEGIES, **ASKING})
    yield from _indexing(env, 1 if quick else 3)
    env.pool.close()


# --- which strategy ------------------------------------------------------------------------------


def _quality(env: Environment, strategies: Mapping[str, Mapping[str, Any]]) -> Iterator[Row]:
    asked = [json.loads(line) for line in QUESTIONS.read_text("utf-8").splitlines()]
    for name, params in strategies.items():
        flow = _flow(_READING, {**params, "k": DEEP}, model="expand" in params)
        places = [_place(_run(flow, {"query": row["question"]}, env), row) for row in asked]
        for k in (1, 3):
            hits = sum(1 for place in places if place and place <= k)
            yield Row(f"hit rate at {k}, {name}", hits / len(places), "", note=_about(asked))
        mrr = sum(1 / place for place in places if place) / len(places)
        yield Row(f"MRR at {DEEP}, {name}", mrr, "", note=_about(asked))


def _about(asked: Sequence[object]) -> str:
    return f"{len(asked)} questions on {len(list(TEXTS.glob('*.md')))} texts"


def _place(found: list[Document], row: Mapping[str, str]) -> int | None:
    """The place of the section that answers a question, from 1; None where it was not found."""
    for place, document in enumerate(found, start=1):
        heading = str(document.metadata.get("heading", ""))
        if document.metadata["source"] == row["source"] and heading.endswith(row["heading"]):
            return place
    return None


# --- how fast -------------------------------------------------------------------------------------


def _indexing(env: Environment, repeats: int) -> Iterator[Row]:
    texts = _many(CHUNKS)
    documents = [Document(text=text, metadata={"source": "made"}) for text in texts]
    query = "Which wood must never be burned?"
    flow = _flow(_GIVEN, {"strategy": "similarity", "k": 4})
    direct = _Direct()
    _run(_flow(_GIVEN, {}), {"chunks": documents[:8], "query": query}, env)  # opens the model
    found: dict[str, list[str]] = {}
    again: list[float] = []

    def ours() -> float:
        with tempfile.TemporaryDirectory() as home, home_at(home):
            began = time.perf_counter()
            hits = _run(flow, {"chunks": documents, "query": query}, env)
            seconds = time.perf_counter() - began
            again.append(_again(flow, documents, query, env))
        found["ours"] = [hit.text for hit in hits]
        return seconds

    def theirs() -> float:
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            found["direct"] = direct.index_and_query(Path(folder), texts, query)
            return time.perf_counter() - began

    seconds = interleave({"ours": ours, "direct": theirs}, repeats, warm=0 if repeats == 1 else 1)
    assert found["ours"] == found["direct"], "both sides must find the same"
    yield Row(f"index {CHUNKS:,} chunks and query", seconds["ours"], "s", 1.1, on="ratio",
              against="Chroma and transformers directly", other=seconds["direct"])  # fmt: skip
    yield Row("open an unchanged index again", statistics.median(again), "s", 0.3,
              note="embeds nothing")  # fmt: skip


def _again(flow: Flow, documents: list[Document], query: str, env: Environment) -> float:
    """Seconds of a second run of an unchanged index, and of opening it; libraries are loaded."""
    pool = Pool()
    given = {"chunks": documents, "query": query}
    began = time.perf_counter()
    run = Run(flow, given, Environment(env.catalog, pool), ("index",))
    opened = _outputs(run)["index.index"].open(_Quiet())
    assert len(opened.documents) == opened.collection.count() == CHUNKS
    seconds = time.perf_counter() - began
    assert pool.opened == 0, "an unchanged index must not open the embeddings"
    opened.close()
    return seconds


class _Direct:
    """Chroma and the embeddings model, called as their documentation shows."""

    def __init__(self) -> None:
        from transformers import AutoModel, AutoTokenizer

        from patchbay.nodes.weights.folders import resolve_folder

        folder = str(resolve_folder("all-minilm-l6-v2", lambda label, done, total: None))
        self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._model = AutoModel.from_pretrained(folder, local_files_only=True).eval()

    def _embed(self, texts: Sequence[str]) -> Any:
        import torch

        with torch.inference_mode():
            tokens = self._tokenizer(
                list(texts), padding=True, truncation=True, max_length=256, return_tensors="pt"
            )
            states = self._model(**tokens).last_hidden_state
            mask = tokens["attention_mask"].unsqueeze(-1).float()
            pooled = (states * mask).sum(1) / mask.sum(1)
            return torch.nn.functional.normalize(pooled, dim=1).numpy()

    def index_and_query(self, folder: Path, texts: Sequence[str], query: str) -> list[str]:
        """Embed in batches of 32, add each, ask for the nearest four."""
        import chromadb
        from chromadb.config import Settings

        client: Any = chromadb.PersistentClient(
            str(folder), settings=Settings(anonymized_telemetry=False)
        )
        chunks = client.create_collection(
            "chunks", configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
        )
        for start in range(0, len(texts), 32):
            batch = list(texts[start : start + 32])
            names = [str(number) for number in range(start, start + len(batch))]
            chunks.add(ids=names, documents=batch, embeddings=self._embed(batch))
        found = chunks.query(query_embeddings=self._embed([query]), n_results=4)
        client.close()
        return list(found["documents"][0])


class _Quiet:
    def report(self, label: str, done: float, total: float | None) -> None:
        """Nobody watches."""


def _many(count: int) -> list[str]:
    """Different chunks of some sixty words, out of the texts that ship."""
    sentences = [
        part.strip()
        for path in sorted(TEXTS.glob("*.md"))
        for part in path.read_text("utf-8").replace("\n", " ").split(". ")
        if len(part) > 30
    ]
    step = len(sentences) // 2 + 1
    return [
        f"Note {number}. "
        + ". ".join(
            sentences[(number * 7 + i * step + number // 97) % len(sentences)] for i in range(4)
        )
        for number in range(count)
    ]


# --- flows ----------------------------------------------------------------------------------------

_READING = ("load", {
    "load": ("retrieval.load", {"path": str(TEXTS)}),
    "split": ("retrieval.split", {"by": "headings", "size": 200}),
}, ["load.documents > split.documents", "split.chunks > index.chunks"])  # fmt: skip

_GIVEN = ("chunks", {
    "chunks": ("io.input", {"name": "chunks", "kind": "documents"}),
}, ["chunks.value > index.chunks"])  # fmt: skip


def _flow(start: tuple[str, dict[str, Any], list[str]], params: Any, model: bool = False) -> Flow:
    """From chunks to what a search finds for `query`."""
    _, first, wires = start
    kinds = {
        **first,
        "embeddings": ("embeddings.local", {}),
        "index": ("retrieval.index", {}),
        "retriever": ("retrieval.retriever", dict(params)),
        "query": ("io.input", {"name": "query"}),
        "search": ("retrieval.search", {}),
        "out": ("io.output", {"name": "found"}),
    }
    wires = [
        *wires, "embeddings.embeddings > index.embeddings", "index.index > retriever.index",
        "retriever.retriever > search.retriever", "query.value > search.query",
        "search.documents > out.value",
    ]  # fmt: skip
    if model:
        kinds["model"] = ("model.gguf", {"context": 1024, "temperature": 0})
        wires.append("model.model > retriever.model")
    nodes = tuple(NodeInstance(id=i, kind=kind, params=p) for i, (kind, p) in kinds.items())
    edges = (wire.split(" > ") for wire in wires)
    return Flow(nodes=nodes, edges=tuple(Edge(source=a, target=b) for a, b in edges))


def _run(flow: Flow, inputs: Mapping[str, Any], env: Environment) -> list[Document]:
    found: list[Document] = _outputs(Run(flow, inputs, env))["found"]
    return found


def _outputs(run: Run) -> dict[str, Any]:
    async def last() -> Any:
        return [event async for event in run.events()][-1]

    end = asyncio.run(last())
    assert isinstance(end, RunFinished), end
    return end.outputs
