"""A server that speaks Ollama's protocol, over llama.cpp's own server with real weights.

No package carries Ollama itself, so its HTTP interface (docs/api.md of ollama/ollama) is spoken
here: names, statuses and error texts are Ollama's; every answer is computed by llama.cpp.
"""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from tests.loopback import served
from tests.nodes.models.llama_server import CONTEXT, LlamaServer

Body = dict[str, Any]

_SAMPLING = {
    "temperature": "temperature", "top_p": "top_p", "top_k": "top_k", "seed": "seed",
    "num_predict": "max_tokens", "repeat_penalty": "repeat_penalty", "stop": "stop",
}  # fmt: skip
"""Ollama's options, and what llama.cpp calls them."""


@dataclass
class OllamaServer:
    """What the server has, and what it was asked. `library` is what it could fetch."""

    llama: LlamaServer
    models: list[str] = field(default_factory=lambda: ["smollm2:135m"])
    library: list[str] = field(default_factory=lambda: ["smollm2:latest"])
    key: str = ""
    """The Authorization header that is demanded."""
    old: bool = False
    """Whether it is too old to know that a prompt may not be cut."""
    asked: list[tuple[str, Body]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    def named(self, name: str) -> str | None:
        """The model under its full name, if it is there."""
        full = name if ":" in name else f"{name}:latest"
        return full if full in self.models else None

    def last(self, path: str) -> Body:
        """The last request to a path."""
        return [body for asked, body in self.asked if asked == path][-1]


class RefusedError(Exception):
    """An answer with an error."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: OllamaServer

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self._serve({})

    def do_POST(self) -> None:
        self._serve(json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "{}"))

    def _serve(self, body: Body) -> None:
        site = self.site
        site.asked.append((self.path, body))
        site.headers.append({name.lower(): value for name, value in self.headers.items()})
        work = {
            "/api/version": self._version,
            "/api/tags": self._tags,
            "/api/show": self._show,
            "/api/chat": self._chat,
            "/api/pull": self._pull,
            "/api/embed": self._embed,
        }.get(self.path)
        try:
            if site.key and self.headers.get("Authorization") != site.key:
                raise RefusedError(401, "unauthorized")
            if work is None:
                raise RefusedError(404, "404 page not found")
            work(body)
        except RefusedError as refusal:
            self._send({"error": refusal.text}, refusal.status)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    # --- what it has ----------------------------------------------------------------------------

    def _version(self, body: Body) -> None:
        self._send({"version": "0.12.6"})

    def _tags(self, body: Body) -> None:
        self._send({"models": [_facts(name) for name in self.site.models]})

    def _show(self, body: Body) -> None:
        self._send({**_facts(self._model(body)), "capabilities": ["completion"], "model_info": {}})

    def _pull(self, body: Body) -> None:
        name = body["model"] if ":" in body["model"] else f"{body['model']}:latest"
        self._begin()
        self._line({"status": "pulling manifest"})
        if name not in [*self.site.library, *self.site.models]:
            return self._line({"error": "pull model manifest: file does not exist"}, last=True)
        digest = "sha256:" + "5" * 64
        for done in (0, 40_000_000, 98_362_432):
            size = {"digest": digest, "total": 98_362_432, "completed": done}
            self._line({"status": f"pulling {digest[7:19]}", **size})
        self._line({"status": "verifying sha256 digest"})
        self.site.models.append(name)
        self._line({"status": "success"}, last=True)

    def _model(self, body: Body) -> str:
        name = self.site.named(body.get("model", ""))
        if name is None:
            raise RefusedError(404, f"model '{body.get('model')}' not found")
        return name

    # --- chat and embeddings --------------------------------------------------------------------

    def _chat(self, body: Body) -> None:
        name = self._model(body)
        upstream = self._ask(_for_llama(body, self._fitting(body)))
        usage: Body = {}
        reason = "stop"
        self._begin()
        with contextlib.closing(upstream):
            for chunk in _events(upstream.getresponse()):
                for choice in chunk.get("choices", ()):
                    reason = choice.get("finish_reason") or reason
                    if piece := choice["delta"].get("content"):
                        self._line({**_head(name, piece), "done": False})
                usage = chunk.get("usage") or usage
        counts = {"prompt_eval_count": usage["prompt_tokens"]}
        counts |= {"eval_count": usage["completion_tokens"], "total_duration": 1}
        self._line({**_head(name, ""), "done": True, "done_reason": reason, **counts}, last=True)

    def _fitting(self, body: Body) -> list[Body]:
        """The messages; where they do not fit, an error, or without the oldest if one may."""
        messages = list(body["messages"])
        limit = min(int(body.get("options", {}).get("num_ctx", CONTEXT)), CONTEXT)
        while self._tokens(messages) > limit:
            if body.get("truncate", True) is False and not self.site.old:
                raise RefusedError(400, "the input length exceeds the context length")
            if len(messages) > 1:
                del messages[0]
            else:
                messages = [self._shortened(messages[0], limit)]
        return messages

    def _shortened(self, message: Body, limit: int) -> Body:
        """The end of a message, so that the prompt has as many tokens as the context."""
        llama = self.site.llama
        around = self._tokens([{**message, "content": ""}])
        tokens = json.loads(llama.post("/tokenize", {"content": message["content"]}))["tokens"]
        kept = llama.post("/detokenize", {"tokens": tokens[-(limit - around) :]})
        return {**message, "content": json.loads(kept)["content"]}

    def _tokens(self, messages: list[Body]) -> int:
        llama = self.site.llama
        prompt = json.loads(llama.post("/apply-template", {"messages": messages}))["prompt"]
        return len(json.loads(llama.post("/tokenize", {"content": prompt}))["tokens"])

    def _ask(self, request: Body) -> http.client.HTTPConnection:
        llama = self.site.llama
        connection = http.client.HTTPConnection(urlsplit(llama.url).netloc, timeout=600)
        headers = {"Authorization": f"Bearer {llama.key}", "Content-Type": "application/json"}
        connection.request("POST", "/v1/chat/completions", json.dumps(request), headers)
        return connection

    def _embed(self, body: Body) -> None:
        name = self._model(body)
        given = body["input"]
        texts = [given] if isinstance(given, str) else given
        answer = json.loads(self.site.llama.post("/v1/embeddings", {"input": texts}))
        rows = [row["embedding"] for row in sorted(answer["data"], key=lambda row: row["index"])]
        self._send({"model": name, "embeddings": rows, "prompt_eval_count": 1})

    # --- writing --------------------------------------------------------------------------------

    def _send(self, body: Body, status: int = 200) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _begin(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _line(self, body: Body, *, last: bool = False) -> None:
        data = json.dumps(body).encode() + b"\n"
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        if last:
            self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()


def _for_llama(body: Body, messages: list[Body]) -> Body:
    given = body.get("options", {})
    request: Body = {new: given[old] for old, new in _SAMPLING.items() if old in given}
    if isinstance(schema := body.get("format"), dict):
        request["response_format"] = {"type": "json_schema", "json_schema": {"schema": schema}}
    return {
        **request,
        "messages": messages,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def _events(answer: http.client.HTTPResponse) -> Iterator[Body]:
    """The chunks of a stream of server-sent events."""
    for line in answer:
        text = line.decode().removeprefix("data: ").strip()
        if text and text != "[DONE]":
            yield json.loads(text)


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _head(name: str, piece: str) -> Body:
    message = {"role": "assistant", "content": piece}
    return {"model": name, "created_at": _now(), "message": message}


def _facts(name: str) -> Body:
    details = {"format": "gguf", "family": "llama", "parameter_size": "134.52M"}
    return {
        "name": name,
        "model": name,
        "modified_at": _now(),
        "size": 98_362_432,
        "digest": "5" * 64,
        "details": {**details, "quantization_level": "Q4_1"},
    }


@contextlib.contextmanager
def serve_ollama(llama: LlamaServer) -> Iterator[OllamaServer]:
    """Run a server until the end of the block."""
    site = OllamaServer(llama)
    with served(Handler, site=site) as site.url:
        yield site
