"""A server in front of a real one: it refuses, breaks off, or passes on."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from tests.loopback import served

Refusal = tuple[int, dict[str, str], str]
"""Status, headers, body."""


@dataclass
class Gate:
    """What happens at the gate. Change it between requests."""

    upstream: str = ""
    """The real server; without one everything is refused with 404."""
    refusals: list[Refusal] = field(default_factory=list)
    """Answers of the first requests."""
    breaks: list[int] = field(default_factory=list)
    """The connection breaks after so many lines of the answer: one number per request."""
    silent: threading.Event | None = None
    """While this is not set, nothing is answered."""
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    @property
    def v1(self) -> str:
        """The address of an OpenAI-compatible part."""
        return f"{self.url}/v1"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    gate: Gate

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _serve(self, body: bytes) -> None:
        gate = self.gate
        gate.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
        if body:
            gate.bodies.append(json.loads(body))
        self.close_connection = True  # and it is said: else a client may ask again on it
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            if gate.silent is not None:
                gate.silent.wait(300)
            if gate.refusals:
                return self._refuse(*gate.refusals.pop(0))
            if not gate.upstream:
                return self._refuse(404, {}, "")
            self._pass_on(body)

    def _refuse(self, status: int, headers: dict[str, str], text: str) -> None:
        self.send_response(status)
        said = {"Connection": "close", "Content-Length": str(len(text.encode()))}
        for name, value in {**headers, **said}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def _pass_on(self, body: bytes) -> None:
        connection = http.client.HTTPConnection(urlsplit(self.gate.upstream).netloc, timeout=600)
        kept = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")}
        with contextlib.closing(connection):
            connection.request(self.command, self.path, body, kept)
            answer = connection.getresponse()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.headers["Content-Type"])
            self.send_header("Connection", "close")
            self.end_headers()
            left = self.gate.breaks.pop(0) if self.gate.breaks else None
            for line in answer:
                if left == 0:
                    return self._break()
                self.wfile.write(line)
                left = left if left is None else left - 1

    def _break(self) -> None:
        """End without the end that was promised: a stream of events without its last one."""
        error = '{"error":{"message":"the cable was pulled","type":"server_error"}}'
        self.wfile.write(f"data: {error}\n\n".encode())


@contextlib.contextmanager
def open_gate(upstream: str = "") -> Iterator[Gate]:
    """Run a gate until the end of the block."""
    gate = Gate(upstream)
    with served(Handler, gate=gate) as gate.url:
        try:
            yield gate
        finally:
            if gate.silent is not None:
                gate.silent.set()
