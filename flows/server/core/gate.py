"""What every request passes first: host, origin, size, time, key. Pure ASGI, so that streams flow.

A port on this machine is open to every page that a browser of it shows. So the name under which
the server is called must be one of its own (a name that was rebound to this machine is not), and
a page of another origin must have been declared. Only then the key is looked at.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from patchbay.flows.server.core.keys import Caller, Keys
from patchbay.flows.server.core.refusals import RefusedError, refused
from patchbay.flows.server.core.settings import Settings
from patchbay.flows.traces.trace_parent import INCOMING, TraceParent
from patchbay.flows.wording import printable
from patchbay.nodes.units import duration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

OPEN = (
    "/health", "/chat/", "/assets/", "/embed.js", "/docs",
    "/api/v1/chatflows-streaming/", "/api/v1/public-chatbotConfig/",
)  # fmt: skip
"""Addresses that need no key: they hold nothing but the program of a page."""
FRAMED = ("/assets/", "/embed.js", "/chat/")
"""What pages of other origins may load: a script tag sends no origin."""
_MOST_HEADERS = 32_768
_MOST_HOSTS = 256
"""Good Host headers that are remembered, so that each is read once."""

_COMMON = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]
_METHODS = b"GET, POST, PUT, DELETE, OPTIONS"
_ALLOWED = b"authorization, content-type, accept, last-event-id, x-api-key"
"""Headers that a declared page may send, where it does not say which it will: else those."""
_WANTS = b"access-control-request-headers"
_HEADER = re.compile(rb"[A-Za-z0-9-]{1,64}")
_SHOWN = b"mcp-session-id, retry-after, traceparent, x-run-id, x-should-retry, location"


class Gate:
    """The wall around an application.

    Args:
        app: what is behind it.
        settings: names, origins and limits.
        keys: who may come in.
        say: how a refusal is told; each protocol has words of its own.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        keys: Keys,
        say: Callable[[str, RefusedError], Response],
    ) -> None:
        self._app, self._settings, self._keys, self._say = app, settings, keys, say
        self._names = frozenset(name.casefold() for name in (*settings.names, "localhost"))
        self._origins = frozenset(map(_origin, settings.origins))
        self._good_hosts: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or say why not."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
                return
            await self._app(scope, receive, send)
            return
        headers = _read(scope["headers"])
        origin, path = headers.get(b"origin", b"").decode("latin-1"), scope["path"]
        foreign = self._foreign(origin, headers)
        allowed = foreign if foreign in self._origins else ""
        send = _with_headers(send, allowed, path, headers.get(_WANTS, b""))
        try:
            self._check(scope, headers, origin, foreign)
            if scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
                await send({"type": "http.response.start", "status": 204, "headers": []})
                await send({"type": "http.response.body", "body": b""})
                return
            scope["caller"] = self._caller(path, headers)
            scope["sent"] = headers
            traced = headers.get(b"traceparent")  # a request behind another has its context
            INCOMING.set(None if traced is None else TraceParent.read(traced.decode("latin-1")))
            bounded = _Bounded(receive, self._settings, headers)
            await self._app(scope, bounded, send)
        except RefusedError as error:
            await self._say(path, error)(scope, receive, send)

    def _check(
        self, scope: Scope, headers: Mapping[bytes, bytes], origin: str, foreign: str
    ) -> None:
        host = headers.get(b"host", b"").decode("latin-1")
        if not self._known(host):
            raise refused(
                421,
                "serve/host",
                f'This server is not called "{host[:100]}".',
                "Call it by its address in digits or as localhost, or start it with --name NAME.",
            )
        size = hosts = 0
        for name, value in scope["headers"]:
            size += len(name) + len(value)
            hosts += name == b"host"
        if size > _MOST_HEADERS:
            raise refused(431, "serve/headers", "The headers are too large.", "Send fewer.")
        if hosts > 1:  # who stands between may have looked at the other one (RFC 9112, section 3.2)
            raise refused(400, "serve/host", "There are two Host headers.", "Send one.")
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            how = headers[b"content-encoding"].decode("latin-1")
            message = f'A body that is compressed ("{printable(how)[:40]}") is not read.'
            raise refused(415, "serve/content-type", message, "Send it as it is.")
        if foreign and foreign not in self._origins:
            raise refused(
                403,
                "serve/origin",
                f'Pages of "{(origin or "another site")[:100]}" may not call this server.',
                "Start it with --origin and that address, if they should.",
            )
        site = headers.get(b"sec-fetch-site", b"")
        inside = scope["path"].startswith(FRAMED) or headers.get(b"sec-fetch-mode") == b"navigate"
        if not origin and site in (b"cross-site", b"same-site") and not inside:
            raise refused(
                403,
                "serve/origin",
                "A page of another site asked for this.",
                "Start the server with --origin and its address, and ask with fetch.",
            )

    def _foreign(self, origin: str, headers: Mapping[bytes, bytes]) -> str:
        """The origin of a page that is not our own; "" for our own, and for programs."""
        if not origin:
            return ""
        if origin == "null":
            return "null"
        found = _origin(origin)
        own = headers.get(b"host", b"").decode("latin-1").casefold()
        return "" if urlsplit(found).netloc == own else found

    def _known(self, host: str) -> bool:
        """Whether a Host header names this server. An address in digits cannot be rebound."""
        if host in self._good_hosts:
            return True
        good = self._names_us(host)
        if good and len(self._good_hosts) < _MOST_HOSTS:
            self._good_hosts.add(host)
        return good

    def _names_us(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name.casefold() in self._names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def _caller(self, path: str, headers: Mapping[bytes, bytes]) -> Caller | None:
        key = key_in(headers)
        found = self._keys.caller(key)
        open_ = path == "/" or path.startswith(OPEN) or _ticketed(path)
        if found is None and not open_:
            what = "The key is not one of this server." if key else "This needs a key."
            fix = 'Send "Authorization: Bearer KEY"; the key stands in the file that the server '
            raise refused(401, "serve/key", what, fix + "named when it started.")
        return found


def key_in(headers: Mapping[bytes, bytes]) -> str:
    """The key of a request, as OpenAI's clients and Langflow's send it; "" for none."""
    given = headers.get(b"authorization", b"").decode("latin-1")
    scheme, _, token = given.partition(" ")
    if scheme.casefold() == "bearer" and token.strip():
        return token.strip()
    return headers.get(b"x-api-key", b"").decode("latin-1").strip()


def _ticketed(path: str) -> bool:
    """Whether an address may carry something else in place of a key: a ticket for the events of
    one run, or the signature of a webhook."""
    return path.startswith("/triggers/") or (path.startswith("/runs/") and path.endswith("/events"))


def _read(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    return {name.lower(): value for name, value in headers}


def _origin(text: str) -> str:
    parts = urlsplit(text.strip())
    default = {"http": 80, "https": 443}.get(parts.scheme)
    netloc = parts.netloc.casefold()
    if default is not None:
        netloc = netloc.removesuffix(f":{default}")
    return f"{parts.scheme}://{netloc}"


def _wanted(asked: bytes) -> bytes:
    """The headers that a page says it will send, as far as they can be names of headers."""
    names = (name.strip() for name in asked.split(b","))
    return b", ".join(name for name in names if _HEADER.fullmatch(name)) or _ALLOWED


def _with_headers(send: Send, allowed: str, path: str, asked: bytes) -> Send:
    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [*message.get("headers", ()), *_COMMON]
            if not path.startswith(FRAMED):
                headers.append((b"cross-origin-resource-policy", b"same-origin"))
            headers.append((b"vary", b"origin"))
            if allowed:
                headers += [
                    (b"access-control-allow-origin", allowed.encode()),
                    (b"access-control-allow-methods", _METHODS),
                    (b"access-control-allow-headers", _wanted(asked)),
                    (b"access-control-expose-headers", _SHOWN),
                    (b"access-control-max-age", b"600"),
                ]
            message = {**message, "headers": headers}
        await send(message)

    return told


class _Bounded:
    """The body of a request, of at most so many bytes and within so many seconds."""

    def __init__(
        self, receive: Receive, settings: Settings, headers: Mapping[bytes, bytes]
    ) -> None:
        self._receive, self._most, self._slow_s = receive, settings.body, settings.slow_s
        self._size = 0
        self._whole = False
        self._until: float | None = None
        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self._most:
            raise too_large(self._most)

    async def __call__(self) -> Any:
        if self._whole:
            return await self._receive()
        if not getattr(getattr(self._receive, "__self__", None), "more_body", True):
            # uvicorn has all of it: there is nothing to wait for
            return self._counted(await self._receive())
        loop = asyncio.get_running_loop()
        self._until = self._until or loop.time() + self._slow_s
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise refused(
                408,
                "serve/slow",
                f"The request did not arrive within {duration(self._slow_s)}.",
                "Send it faster, or in parts.",
            ) from None
        return self._counted(message)

    def _counted(self, message: Message) -> Message:
        if message["type"] == "http.request":
            self._size += len(message.get("body", b""))
            self._whole = not message.get("more_body", False)
            if self._size > self._most:
                raise too_large(self._most)
        return message


def too_large(most: int) -> RefusedError:
    """The refusal of a request that is larger than `most` bytes."""
    from patchbay.nodes.units import size_in_words

    return refused(
        413,
        "serve/too-large",
        f"The request is larger than {size_in_words(most)}.",
        "Send less, or start the server with a larger --body.",
    )
