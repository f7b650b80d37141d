"""A server that answers as hosted providers document it: Anthropic's events, everybody's errors.

https://docs.anthropic.com/en/api/messages-streaming; the errors stand in each provider's API
reference. Nobody can be asked for thoughts, or refuse a key, from here; so the words are written
down, and the clients, the protocol and the connection are real.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.loopback import served

Body = dict[str, Any]


@dataclass
class Hosted:
    """What it says, and what it was asked. `events` are a stream; `status` and `body` an error."""

    events: Sequence[Body] = ()
    whole: Body | str | None = None
    status: int = 200
    body: Any = None
    models: Sequence[str] = ()
    models_at: str = "/v1/models"
    asked: list[Body] = field(default_factory=list)
    url: str = ""


class _Handler(BaseHTTPRequestHandler):
    site: Hosted

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        there = self.path.partition("?")[0] == self.site.models_at
        self._send(200 if there else 404, {"data": [{"id": name} for name in self.site.models]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        self.site.asked.append(body)
        if self.site.status != 200:
            return self._send(self.site.status, self.site.body)
        if self.site.whole is not None:
            return self._send(200, self.site.whole)
        text = "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in self.site.events)
        self._send(200, text, "text/event-stream")

    def _send(self, status: int, body: Any, kind: str = "application/json") -> None:
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextlib.contextmanager
def hosted(site: Hosted) -> Iterator[Hosted]:
    """Run the server until the end of the block."""
    with served(_Handler, site=site) as site.url:
        yield site


# --- what Anthropic says --------------------------------------------------------------------------


def thinking(*pieces: str) -> list[Body]:
    """A block that is thought, and signed."""
    told: list[Body] = [{"type": "thinking_delta", "thinking": piece} for piece in pieces]
    return [{"type": "thinking", "thinking": "", "signature": ""}, *told,
            {"type": "signature_delta", "signature": SIGNATURE}]  # fmt: skip


def redacted() -> list[Body]:
    """A block of thought that nobody may read."""
    return [{"type": "redacted_thinking", "data": REDACTED}]


def text(*pieces: str) -> list[Body]:
    """A block of the answer."""
    return [{"type": "text", "text": ""}, *({"type": "text_delta", "text": p} for p in pieces)]


SIGNATURE = "RXNCaXphdGlvbg+signature/7=="
REDACTED = 'EmwKAhgBEgy3va3{"a": 7}pzix/LafPsn4a'


def streamed(*blocks: list[Body], reason: str | None = "end_turn") -> list[Body]:
    """Anthropic's events for an answer of these blocks."""
    message = {"id": "m", "type": "message", "role": "assistant", "model": "told", "content": [],
               "stop_reason": None, "stop_sequence": None,
               "usage": {"input_tokens": 9, "output_tokens": 1}}  # fmt: skip
    events: list[Body] = [{"type": "message_start", "message": message}]
    for index, (begin, *deltas) in enumerate(blocks):
        at = {"index": index}
        events.append({"type": "content_block_start", **at, "content_block": begin})
        events += [{"type": "content_block_delta", **at, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", **at})
    if reason is not None:
        ended = {"stop_reason": reason, "stop_sequence": None}
        events.append({"type": "message_delta", "delta": ended, "usage": {"output_tokens": 40}})
        events.append({"type": "message_stop"})
    return events
