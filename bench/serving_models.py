"""Flows with a model over HTTP: against the model itself, in the same run."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.http_calls import Call, rate_of, started
from bench.table import Row

SLOW_MODEL = """
import asyncio, json, socket, sys, time, uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

WAITS_S = 0.2

async def chat(request):
    body = await request.json()
    about = {"id": "a", "created": int(time.time()), "model": "slow"}
    if not body.get("stream"):
        await asyncio.sleep(WAITS_S)
        message = {"role": "assistant", "content": "Yes."}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
        return JSONResponse({**about, "object": "chat.completion", "choices": [choice], "usage": usage})

    async def pieces():
        await asyncio.sleep(WAITS_S)
        for delta, reason in (({"role": "assistant", "content": "Yes"}, None), ({"content": "."}, None), ({}, "stop")):
            choice = {"index": 0, "delta": delta, "finish_reason": reason}
            yield "data: " + json.dumps({**about, "object": "chat.completion.chunk", "choices": [choice]}) + "\\n\\n"
        yield "data: [DONE]\\n\\n"

    return StreamingResponse(pieces(), media_type="text/event-stream")

async def models(request):
    return JSONResponse({"object": "list", "data": [{"id": "slow", "object": "model"}]})

app = Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"]), Route("/v1/models", models)])
made = socket.socket()
made.bind(("127.0.0.1", 0))
made.listen(2048)
print(f"at http://127.0.0.1:{made.getsockname()[1]};", file=sys.stderr, flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False)).run(sockets=[made])
"""  # noqa: E501
"""A model that takes 200 ms, whatever is asked."""
_ASKED = {"model": "slow", "messages": [{"role": "user", "content": "Is it?"}]}


def talk(model: dict[str, Any]) -> dict[str, Any]:
    """A flow that asks a model."""
    return {
        "format": 1,
        "name": "Talk",
        "nodes": [
            {"id": "in", "kind": "io.input", "params": {"name": "question"}},
            {"id": "model", **model},
            {"id": "ask", "kind": "model.ask", "params": {"max_tokens": 24}},
            {"id": "out", "kind": "io.output", "params": {"name": "answer"}},
        ],
        "edges": [
            {"from": "in.value", "to": "ask.prompt"},
            {"from": "model.model", "to": "ask.model"},
            {"from": "ask.text", "to": "out.value"},
        ],
    }


@contextlib.contextmanager
def served(flow: dict[str, Any], *options: str) -> Iterator[tuple[int, str]]:
    """A server of one flow, called talk: its port and its key."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "talk.json"
        file.write_text(json.dumps(flow), encoding="utf-8")
        env = {**os.environ, "PATCHBAY_HOME": folder}
        words = [
            sys.executable,
            "-m",
            "patchbay.flows",
            "serve",
            str(file),
            "--port",
            "0",
            "--quiet",
        ]
        with started([*words, *options], env) as (_, port):
            yield port, (Path(folder) / "serve-key").read_text(encoding="utf-8").strip()


def measure(quick: bool = False) -> Iterator[Row]:
    """A model of 200 ms behind 32 slots, the first token of a stream, and two workers."""
    seconds = 2.0 if quick else 8.0
    with started([sys.executable, "-c", SLOW_MODEL], dict(os.environ)) as (_, model):
        address = f"http://127.0.0.1:{model}/v1"
        kind = {
            "kind": "model.openai_compatible",
            "params": {"base_url": address, "model": "slow", "parallel": 32},
        }
        with served(talk(kind), "--at-once", "32") as (port, key):
            call = Call(port, "/flows/talk/run", {"question": "Is it?"}, key)
            rate = asyncio.run(rate_of(call, 32, seconds))
            yield Row(
                "patchbay serve, a model of 200 ms, 32 callers", rate, "requests/s",
                0.95, "at least", "ratio", "32 slots and nothing else", 160.0,
            )  # fmt: skip
            yield _first_token(model, port, key, 4 if quick else 16)
    yield from _two_workers(seconds)


def _first_token(model: int, port: int, key: str, times: int) -> Row:
    """Milliseconds to the first piece of an answer, for 8 callers."""
    direct = Call(model, "/v1/chat/completions", {**_ASKED, "stream": True})
    ours = Call(port, "/flows/talk/run", {"question": "Is it?", "stream": True}, key)
    found = {}
    for name, call, mark in (("direct", direct, b'"content"'), ("ours", ours, b"node_streamed")):
        each = asyncio.run(_firsts(call, mark, times))
        found[name] = statistics.median(each) * 1000
    return Row(
        "first streamed token over the model called directly, 8 callers",
        found["ours"] - found["direct"], "ms", 5.0, note=f"{found['direct']:.0f} ms directly",
    )  # fmt: skip


async def _firsts(call: Call, mark: bytes, times: int) -> list[float]:
    async def one() -> list[float]:
        found = []
        for _ in range(times):
            begun = time.perf_counter()
            reading, writing = await asyncio.open_connection("127.0.0.1", call.port)
            writing.write(call.request())
            held = b""
            while mark not in held:
                piece = await reading.read(65_536)
                if not piece:
                    raise RuntimeError(f"no token came: {held[-300:]!r}")
                held += piece
            found.append(time.perf_counter() - begun)
            writing.transport.abort()
        return found

    await asyncio.gather(*(one() for _ in range(2)))  # warm
    return [second for each in await asyncio.gather(*(one() for _ in range(8))) for second in each]


def _two_workers(seconds: float) -> Iterator[Row]:
    """The local model behind two workers, against llama.cpp's own server in this process."""
    params = {"weights": "smollm2-135m-instruct", "context": 1024, "parallel": 8, "temperature": 0}
    question = "Name the colour of the sky."
    with served(talk({"kind": "model.gguf", "params": params}), "--workers", "2") as (port, key):
        ours = Call(port, "/flows/talk/run", {"question": question}, key)
        asyncio.run(rate_of(ours, 2, 0.5))
        rate = asyncio.run(rate_of(ours, 8, seconds))
    with _llama_server(params) as (at, secret):
        body = {
            "messages": [{"role": "user", "content": question}], "temperature": 0, "max_tokens": 24,
        }  # fmt: skip
        theirs = asyncio.run(rate_of(Call(at, "/v1/chat/completions", body, secret), 8, seconds))
    yield Row(
        "patchbay serve --workers 2, the local model, 8 callers", rate, "requests/s", 0.95,
        "at least", "ratio", "llama.cpp's own server", theirs,
    )  # fmt: skip


@contextlib.contextmanager
def _llama_server(params: dict[str, Any]) -> Iterator[tuple[int, str]]:
    """llama.cpp's HTTP server with the same weights and slots, as its wheel opens it."""
    import xllamacpp

    from patchbay.nodes.models.llama.load import parameters
    from patchbay.nodes.models.llama.spec import GgufModel
    from patchbay.nodes.weights.gguf_header import read_header
    from patchbay.nodes.weights.resolve import resolve

    spec = GgufModel(**{k: v for k, v in params.items() if k != "temperature"})
    path = resolve(spec.weights, lambda *_: None)
    header = read_header(path)
    assert header is not None
    told = parameters(spec, path, header, [])
    told.n_threads_http = 8
    server = xllamacpp.Server(told)
    found = re.search(r":(\d+)", server.listening_address)
    assert found is not None
    try:
        yield int(found[1]), told.api_keys[0]
    finally:
        threading.Event().wait(0.1)
        del server
