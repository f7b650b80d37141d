"""A server of sound and pictures: OpenAI's and Replicate's documented shapes, word for word."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.loopback import served
from tests.nodes.models.seeing import picture

PNG = base64.b64decode(picture("red").data)
MP3 = b"\xff\xfb\x90\x00 sound"


@dataclass
class Service:
    """What it answers, and what it was asked: method, path, headers, body."""

    url: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    predictions: list[dict[str, Any]] = field(default_factory=list)
    """What a prediction looks like, at each look."""

    def json(self, at: int = -1) -> Any:
        """The body of a request, as JSON."""
        return json.loads(self.asked[at][3])


class Handler(BaseHTTPRequestHandler):
    site: Service

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _answer(self, body: bytes) -> None:
        site = self.site
        headers = {name.lower(): value for name, value in self.headers.items()}
        site.asked.append((self.command, self.path, headers, body))
        if "/predictions" in self.path:
            look = site.predictions
            found: Any = look.pop(0) if len(look) > 1 else look[0]
        else:
            found = site.answers.get(self.path, (404, {"error": {"message": "no such thing"}}))
        status, said = found if isinstance(found, tuple) else (200, found)
        kind, data = (
            ("image/png" if said == PNG else "audio/mpeg", said)
            if isinstance(said, bytes)
            else ("application/json", json.dumps(said).encode())
        )
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def studio() -> Iterator[Service]:
    """Run the server until the end of the block."""
    site = Service()
    with served(Handler, site=site) as site.url:
        yield site
