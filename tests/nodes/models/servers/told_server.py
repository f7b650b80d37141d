"""A server that speaks OpenAI's or Ollama's protocol and says, word for word, what it is told to.

Servers that break off, filter, refuse or cut cannot be had by asking politely. The protocol, the
connection and the clients are real; only the words are written down.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, Literal

from tests.loopback import served

Body = dict[str, Any]
End = Literal["done", "silence", "reset", "closed"]
"""How a stream ends: as the protocol demands, just so, or with the connection broken; "closed":
before a word of it, as where a kept connection is closed from the other side."""


@dataclass(frozen=True)
class Reply:
    """One answer: lines of a stream, or (with a `whole`) a body that is no stream."""

    events: tuple[Any, ...] = ()
    end: End = "done"
    whole: Any = None
    kind: str = ""
    status: int = 200


@dataclass
class ToldServer:
    """What it will say, a reply for each request (the last one for ever), and what it was asked."""

    replies: list[Reply]
    ollama: bool = False
    capabilities: tuple[str, ...] = ("completion",)
    """What Ollama says that its model can do."""
    asked: list[Body] = field(default_factory=list)
    url: str = ""

    @property
    def v1(self) -> str:
        """The address of the OpenAI-compatible part."""
        return f"{self.url}/v1"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: ToldServer

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        tags = {"models": [{"name": "told:latest", "model": "told:latest"}]}
        whole = (
            tags if self.path == "/api/tags" else {"data": [{"id": "told"}], "version": "0.12.6"}
        )
        self._whole(Reply(whole=whole))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        if self.path == "/api/show":
            shown = {"capabilities": self.site.capabilities, "model_info": {}}
            return self._whole(Reply(whole=shown))
        site = self.site
        site.asked.append(body)
        reply = site.replies.pop(0) if len(site.replies) > 1 else site.replies[0]
        if reply.end == "closed":
            self.close_connection = True
            return
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._whole(reply) if reply.whole is not None else self._stream(reply)

    def _whole(self, reply: Reply) -> None:
        text = reply.whole if isinstance(reply.whole, str) else json.dumps(reply.whole)
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.kind or "application/json")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def _stream(self, reply: Reply) -> None:
        self.close_connection = True
        self.send_response(reply.status)
        kind = "application/x-ndjson" if self.site.ollama else "text/event-stream"
        self.send_header("Content-Type", reply.kind or kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for event in reply.events:
            self._chunk(f"{json.dumps(event)}\n" if self.site.ollama else _sse(json.dumps(event)))
        if reply.end == "reset":
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
            return
        if reply.end == "done" and not self.site.ollama:
            self._chunk(_sse("[DONE]"))
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, text: str) -> None:
        data = text.encode()
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()


def _sse(data: str) -> str:
    return f"data: {data}\n\n"


@contextlib.contextmanager
def told(*replies: Reply, ollama: bool = False) -> Iterator[ToldServer]:
    """Run the server until the end of the block."""
    site = ToldServer(list(replies), ollama)
    with served(Handler, site=site) as site.url:
        yield site


# --- what OpenAI's servers say --------------------------------------------------------------------


def delta(reason: str | None = None, **parts: Any) -> Body:
    """One event of a stream."""
    choice = {"index": 0, "delta": {"role": "assistant", **parts}, "finish_reason": reason}
    return {"id": "x", "object": "chat.completion.chunk", "model": "told", "choices": [choice]}


def usage(prompt: int = 10, answer: int = 5, **details: Any) -> Body:
    """The event that counts."""
    counted = {
        "prompt_tokens": prompt,
        "completion_tokens": answer,
        "total_tokens": prompt + answer,
    }
    return {"id": "x", "choices": [], "usage": {**counted, **details}}


def says(
    *pieces: str, reason: str | None = "stop", end: End = "done", **fields: Sequence[str]
) -> Reply:
    """A stream with a text; `fields` are others that come before it, in pieces."""
    events = [delta(**{name: piece}) for name, pieces in fields.items() for piece in pieces]
    events += [delta(content=piece) for piece in pieces]
    last = [delta(reason)] if reason else []
    return Reply((*events, *last, usage()), end)


def calls(
    *calls: tuple[str, Any], text: str = "", reason: str = "tool_calls", ids: bool = True
) -> Reply:
    """A stream with tool calls: name, and arguments as raw text, in two pieces each."""
    events = [delta(content=text)] if text else []
    for index, (name, raw) in enumerate(calls):
        half = len(raw) // 2 if isinstance(raw, str) else 0
        pieces = [raw[:half], raw[half:]] if isinstance(raw, str) else [raw]
        named = {"id": f"call-{index}", "type": "function"} if ids else {}
        for n, piece in enumerate(pieces):
            function = {"name": name, "arguments": piece} if n == 0 else {"arguments": piece}
            call = {"index": index, **(named if n == 0 else {}), "function": function}
            events.append(delta(tool_calls=[call]))
    return Reply((*events, delta(reason), usage()))


def whole(text: str | None = None, **parts: Any) -> Reply:
    """An answer that is not streamed."""
    message = {"role": "assistant", "content": text, **parts}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    counted = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    return Reply(whole={"id": "x", "model": "told", "choices": [choice], "usage": counted})


def line(text: str = "", done: bool = False, reason: str = "stop", **message: Any) -> Body:
    """One line of Ollama's stream."""
    head = {"model": "told", "created_at": "2026-11-28T00:00:00Z"}
    head |= {"message": {"role": "assistant", "content": text, **message}, "done": done}
    counts = {"done_reason": reason, "prompt_eval_count": 10, "eval_count": 5}
    return {**head, **(counts if done else {})}
