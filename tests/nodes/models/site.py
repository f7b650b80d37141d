"""A real HTTP server on the loopback device that can misbehave in the ways networks do."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.loopback import served

BLOCK = 16 * 1024


@dataclass
class Site:
    """What the server has, and how it behaves. Change it between requests."""

    files: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    claim: int | None = None
    """Bytes that a whole file is said to have."""
    drops: list[int] = field(default_factory=list)
    """The connection breaks after so many bytes: one number per request, then never."""
    always_drop: int | None = None
    statuses: list[int] = field(default_factory=list)
    """Answers of the first requests."""
    stall_after: int | None = None
    """Bytes after which nothing more comes until `wake` is set."""
    wake: threading.Event = field(default_factory=threading.Event)
    pause_s: float = 0.0
    """Seconds between blocks."""
    login: str = ""
    """The Authorization header that is demanded."""
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    def ranges_asked(self) -> list[str | None]:
        """The Range header of each request."""
        return [headers.get("range") for _, headers in self.requests]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        site = self.site
        path = self.path.partition("?")[0]
        site.requests.append((path, {k.lower(): v for k, v in self.headers.items()}))
        if site.login and self.headers.get("Authorization") != site.login:
            return self._empty(401, {"WWW-Authenticate": 'Basic realm="index"'})
        if site.statuses:
            return self._empty(site.statuses.pop(0), {})
        if path not in site.files:
            return self._empty(404, {})
        self._send(site.files[path])

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def _empty(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    def _send(self, data: bytes) -> None:
        site, start = self.site, 0
        asked = self.headers.get("Range") if site.ranges else None
        if asked:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            if start >= len(data):
                return self._empty(416, {})
        body = data[start:]
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(site.claim or len(body)))
        self.send_header("Content-Type", "text/html" if self.path.endswith("/") else "x/y")
        for name, value in site.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self._body(body)

    def _body(self, body: bytes) -> None:
        site = self.site
        end = site.drops.pop(0) if site.drops else site.always_drop
        sent = 0
        while sent < len(body) and (end is None or sent < end):
            if site.stall_after is not None and sent >= site.stall_after:
                site.wake.wait(300)
            block = body[sent : min(sent + BLOCK, end or len(body))]
            try:
                self.wfile.write(block)
            except OSError:
                break
            sent += len(block)
            if site.pause_s:
                site.wake.wait(site.pause_s)
        self.close_connection = sent < len(body)


@contextlib.contextmanager
def serve() -> Iterator[Site]:
    """Run a site until the end of the block."""
    site = Site()
    with served(Handler, site=site) as site.url:
        try:
            yield site
        finally:
            site.wake.set()
