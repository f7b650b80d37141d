"""Kinds of LlamaIndex and Transformers become their calls, and give what the flow gives."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.document.model import Flow
from patchbay.flows.exchange.notebook import to_notebook
from patchbay.flows.exchange.python_script import to_python
from patchbay.flows.runs.api import run
from patchbay.nodes.catalog import load_catalog
from tests.flows.exchange.test_scripts import as_main, plain
from tests.flows.runs.harness import environment, flow
from tests.loopback import served
from tests.needs import needs
from tests.nodes.encoders import networks
from tests.nodes.models import tiny

CATALOG = load_catalog()
TEXTS = {
    "bees": "A colony of bees holds fifty thousand workers. They gather nectar in June.",
    "bread": "Rye bread keeps for a week. It is baked for two hours at a low heat.",
    "boats": "A sloop has one mast. Its sail is taken in when the wind rises.",
}


def both(flow_: Flow, folder: Path, monkeypatch: pytest.MonkeyPatch, **inputs: Any) -> str:
    """Run flow and script, compare what they give; gives the script."""
    wanted = plain(run(flow_, inputs, environment=environment(folder=folder)).outputs)
    assert all(wanted.values())
    text = to_python(flow_, CATALOG)
    space = as_main(folder, monkeypatch)
    exec(compile(text, "script.py", "exec"), space)
    assert plain(space["main"](**inputs)) == wanted
    return text


# --- LlamaIndex -----------------------------------------------------------------------------------


class Server(BaseHTTPRequestHandler):
    """A model behind OpenAI's protocol: says what it heard, and vectors of the words of a text."""

    heard: list[Any]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("/embeddings"):
            given = body["input"] if isinstance(body["input"], list) else [body["input"]]
            rows = [{"object": "embedding", "index": n, "embedding": _vector(text)}
                    for n, text in enumerate(given)]  # fmt: skip
            self._send({"object": "list", "data": rows, "model": "m", "usage": {}})
            return
        self.heard.append([(m["role"], m["content"]) for m in body["messages"]])
        mark = hashlib.sha256(repr(self.heard[-1]).encode()).hexdigest()[:8]
        said = f"answer {mark} at {body.get('temperature')} within {body.get('max_tokens')}"
        if body.get("stream"):
            self._stream(said)
            return
        message = {"role": "assistant", "content": said}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        self._send({"id": "1", "object": "chat.completion", "created": 0, "model": "m",
                    "choices": [choice]})  # fmt: skip

    def _send(self, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, said: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for delta, reason in (({"role": "assistant", "content": said}, None), ({}, "stop")):
            choice = {"index": 0, "delta": delta, "finish_reason": reason}
            chunk = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m",
                     "choices": [choice]}  # fmt: skip
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *args: Any) -> None:
        """Nothing on the terminal."""


def _vector(text: str) -> list[float]:
    """Which of 256 buckets the words fall into."""
    counts = [0.01] * 256
    for word in text.lower().replace(".", "").split():
        counts[hashlib.sha256(word.encode()).digest()[0]] += 1.0
    return counts


@pytest.fixture
def server() -> Iterator[tuple[str, list[Any]]]:
    heard: list[Any] = []
    with served(Server, heard=heard) as url:
        yield f"{url}/v1", heard


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    (tmp_path / "texts").mkdir()
    for name, text in TEXTS.items():
        (tmp_path / "texts" / f"{name}.txt").write_text(text, encoding="utf-8")
    return tmp_path


def engines(url: str, **model: Any) -> Flow:
    """Texts that are cut and searched; a summary of what was found, and a talk about it."""
    return flow(
        {
            "question": ("io.input", {"name": "question", "default": "How long does bread keep?"}),
            "load": ("retrieval.load", {"path": "texts"}),
            "cut": ("llama_index.ingest", {"size": 16, "overlap": 2}),
            "vectors": ("embeddings.openai", {"base_url": url, "model": "e"}),
            "index": "retrieval.index",
            "nearest": ("retrieval.retriever", {"k": 2}),
            "model": (
                "model.openai_compatible",
                {"base_url": url, "model": "m", "temperature": 0, **model},
            ),
            "sum": ("llama_index.query", {"engine": "tree summary", "max_tokens": 99}),
            "talk": ("llama_index.chat", {"system": "Be brief.", "max_tokens": 98}),
            "answer": ("io.output", {"name": "answer"}),
            "reply": ("io.output", {"name": "reply"}),
        },
        [
            "load.documents > cut.documents", "cut.chunks > index.chunks",
            "vectors.embeddings > index.embeddings", "index.index > nearest.index",
            "model.model > sum.model", "nearest.retriever > sum.retrievers",
            "question.value > sum.question", "model.model > talk.model",
            "nearest.retriever > talk.retriever", "question.value > talk.messages",
            "sum.text > answer.value", "talk.text > reply.value",
        ],
    )  # fmt: skip


def _has_openai_like() -> bool:
    from importlib.util import find_spec

    try:
        return find_spec("llama_index.llms.openai_like") is not None
    except ModuleNotFoundError:
        return False


@needs("llama_index", "langchain_openai")
@pytest.mark.skipif(not _has_openai_like(), reason="needs llama-index-llms-openai-like")
def test_engines_are_calls_of_llamaindex(
    server: tuple[str, list[Any]], texts: Path, monkeypatch: pytest.MonkeyPatch
):
    url, heard = server
    text = both(engines(url), texts, monkeypatch)
    assert len(heard) == 4
    assert sorted(heard[:2]) == sorted(heard[2:])  # the models hear the same, too
    assert text.count("node(") == 1  # the texts are read by us, the rest is LlamaIndex
    assert "VectorStoreIndex(cut, embed_model=vectors)" in text
    assert "ChatOpenAI" not in text
    install = json.loads(to_notebook(engines(url), CATALOG))["cells"][1]["source"]
    assert (
        "llama-index-core llama-index-embeddings-langchain llama-index-llms-openai-like" in install
    )
    assert "Rye bread keeps for a week." in str(heard[0])  # the nearest text


@needs("llama_index", "langchain_openai")
@pytest.mark.parametrize(
    ("kind", "params", "ours"),
    [
        ("nearest", {"strategy": "hybrid", "k": 2}, "retrieval.retriever"),
        ("nearest", {"k": 2, "threshold": 0.1}, "retrieval.retriever"),
        ("cut", {"size": 16, "overlap": 2, "extract": ["keywords"]}, "llama_index.ingest"),
        ("sum", {"engine": "router", "max_tokens": 99}, "llama_index.query"),
        ("model", {"base_url": "http://127.0.0.1:1/v1", "model": "m"}, "llama_index.chat"),
    ],
)
def test_what_llamaindex_says_otherwise_is_called_as_a_node(
    kind: str, params: dict[str, Any], ours: str
):
    """A model without a temperature, say, would get LlamaIndex's own."""
    made = engines("http://127.0.0.1:1/v1").with_params({kind: params})
    made = made.model_copy(
        update={"nodes": tuple(
            n.model_copy(update={"params": params}) if n.id == kind else n for n in made.nodes
        )}
    )  # fmt: skip
    assert f"node({ours!r}" in to_python(made, CATALOG)


# --- Transformers ---------------------------------------------------------------------------------


@needs("torch", "transformers")
@pytest.mark.parametrize("model", [{"temperature": 0, "max_tokens": 7}, {"temperature": 0}])
def test_a_model_of_transformers_is_a_pipeline(
    model: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = str(tiny.folder_of(tiny.network(), tmp_path / "network"))
    asks = flow(
        {
            "question": ("io.input", {"name": "question", "default": "the bath"}),
            "prompt": ("prompt.template", {"template": "Say {x}."}),
            "model": ("model.transformers", {"weights": folder, "context": 200, **model}),
            "ask": ("model.ask", {"system": "Be brief.", "max_tokens": 9}),
            "again": ("model.ask", {} if "max_tokens" in model else {"max_tokens": 3}),
            "out": ("io.output", {"name": "answer"}),
            "two": ("io.output", {"name": "second"}),
        },
        [
            "question.value > prompt.x", "prompt.text > ask.prompt", "model.model > ask.model",
            "model.model > again.model", "ask.text > again.prompt", "ask.text > out.value",
            "again.text > two.value",
        ],
    )  # fmt: skip
    text = both(asks, tmp_path, monkeypatch)
    assert "patchbay" not in text.lower().replace("exported from patchbay", "")
    assert text.count('pipeline("text-generation"') == 1


@needs("torch", "transformers")
def test_zero_shot_and_fill_mask_are_pipelines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "nli").mkdir()
    (tmp_path / "bert").mkdir()
    nli, bert = networks.save_nli(tmp_path / "nli"), networks.save_bert(tmp_path / "bert")
    about = {"labels": ["red", " blue", "red"], "template": "the color is {}"}
    encoders = flow(
        {
            "one": ("io.input", {"name": "one", "default": "the square is [MASK]"}),
            "two": ("io.input", {"name": "two", "default": "[MASK] square is [MASK]"}),
            "fill": ("text.fill_mask", {"weights": str(bert)}),
            "fill_two": ("text.fill_mask", {"weights": str(bert)}),
            "sort": ("text.zero_shot", {"by": "entailment", "weights": str(nli), **about}),
            "a": ("io.output", {"name": "a"}),
            "b": ("io.output", {"name": "b"}),
            "c": ("io.output", {"name": "c"}),
        },
        [
            "one.value > fill.text", "two.value > fill_two.text", "fill.text > sort.text",
            "fill.text > a.value", "fill_two.text > b.value", "sort.label > c.value",
        ],
    )  # fmt: skip
    text = both(encoders, tmp_path, monkeypatch)
    assert "patchbay" not in text.lower().replace("exported from patchbay", "")
    assert text.count("pipeline(") == 3


@pytest.mark.parametrize(
    "weights", ["smollm2-135m-instruct", "ollama:smollm2", "./model.gguf", "hf:a/b/c.gguf"]
)
def test_weights_that_only_we_read_are_a_node(weights: str):
    asks = flow(
        {
            "q": ("io.input", {"name": "q", "default": "Hi"}),
            "model": ("model.transformers", {"weights": weights}),
            "ask": "model.ask",
            "out": "io.output",
        },
        ["q.value > ask.prompt", "model.model > ask.model", "ask.text > out.value"],
    )
    text = to_python(asks, CATALOG)
    assert "node('model.transformers'" in text
    assert "pipeline" not in text


def test_a_revision_goes_along():
    asks = flow(
        {
            "q": ("io.input", {"name": "q", "default": "Hi"}),
            "model": ("model.transformers", {"weights": "hf:owner/repo@v2", "max_tokens": 5}),
            "ask": "model.ask",
            "out": "io.output",
        },
        ["q.value > ask.prompt", "model.model > ask.model", "ask.text > out.value"],
    )
    text = to_python(asks, CATALOG)
    assert "pipeline(\"text-generation\", model='owner/repo', revision='v2')" in text
    assert "max_new_tokens=5, do_sample=True, temperature=0.2, top_p=0.9" in text
