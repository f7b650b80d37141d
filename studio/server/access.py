"""Who may ask this server for anything: whoever holds its token, from its own pages.

A port is open to every account of a machine, and to every page that a browser of it shows. So each
request must bring a cookie that the address with the token gave, must not come from a page of
another server, and no other server's page may show ours in a frame. The same middleware sends the
Content-Security-Policy, the second wall behind `patchbay.nodes.text.markdown`: even what got into a
page cannot load from, or send to, anywhere else.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

from patchbay.nodes.atomic import write_atomic
from patchbay.nodes.private import private_folder
from patchbay.studio.server.base_path import prefix_of

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

VARIABLE = "PATCHBAY_TOKEN"
"""The environment variable that sets the token."""
WEAK = 16
"""Characters below which a token that a person chose is called short."""
ONCE_S = 120.0
"""Seconds for which the address that the browser is opened with works, once."""
HEALTH = "_stcore/health"
"""The only address that answers everybody: it says `ok`, for whoever watches the server."""
_COOKIE_S = 30 * 24 * 3600

POLICY = "; ".join(
    [
        "default-src 'self'",
        # Streamlit imports components from blobs and Vega compiles its expressions.
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob: data:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "frame-src 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    ]
)
"""What a page of ours may load, and who may frame it (Content Security Policy Level 3)."""

_HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-dns-prefetch-control", b"off"),  # else a browser looks up the hosts of links
    (b"cross-origin-resource-policy", b"same-origin"),
]


# --- the token ----------------------------------------------------------------------------------


def access_token(folder: Path, env: Mapping[str, str] = os.environ) -> str:
    """The server's token: what `PATCHBAY_TOKEN` says, else one that is made once and kept.

    It is kept so that a page that is open goes on working when the server was started anew. The
    file can be read by its owner only, as the flows beside it. Where nothing can be written, the
    token lives as long as the process.

    Args:
        folder: the home folder.
        env: the environment.
    """
    if given := env.get(VARIABLE, "").strip():
        return given
    path = folder / "studio-token"
    try:
        kept = path.read_text("utf-8").strip()
        if len(kept) >= WEAK:
            path.chmod(0o600)
            return kept
    except (OSError, UnicodeDecodeError):
        pass
    made = secrets.token_urlsafe(32)
    try:
        private_folder(folder)
        write_atomic(path, made + "\n")
        path.chmod(0o600)
    except OSError:
        pass
    return made


class Codes:
    """Codes that open the studio once, soon.

    The address that a browser is started with can be read by other accounts in the list of
    processes; so it holds such a code, never the token.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._until: dict[str, float] = {}
        self._clock, self._lock = clock, threading.Lock()

    def issue(self) -> str:
        """A code that works once within the next two minutes."""
        code = secrets.token_urlsafe(24)
        with self._lock:
            self._until[code] = self._clock() + ONCE_S
        return code

    def redeem(self, code: str) -> bool:
        """Whether the code still worked. It does not any more."""
        with self._lock:
            until = self._until.pop(code, 0.0)
        return self._clock() < until


class Key:
    """What opens one server: its token, in an address, and the cookie that stands for it.

    The cookie's name holds a part of the token's digest, since browsers do not tell the ports of a
    machine apart: two servers would overwrite each other's.
    """

    def __init__(self, token: str, codes: Codes | None = None) -> None:
        self.token, self.codes = token, codes or Codes()
        self.cookie = f"patchbay_access_{hashlib.sha256(token.encode()).hexdigest()[:8]}"
        self.value = hmac.new(token.encode(), b"patchbay cookie", hashlib.sha256).hexdigest()

    def fits(self, token: str) -> bool:
        """Whether this is the token, or a code that was good for one visit."""
        if hmac.compare_digest(token.encode(), self.token.encode()):
            return True
        return self.codes.redeem(token)

    def held_by(self, connection: HTTPConnection) -> bool:
        """Whether a request brings the cookie."""
        sent = connection.cookies.get(self.cookie, "")
        return hmac.compare_digest(sent.encode(), self.value.encode())


# --- where a request comes from -----------------------------------------------------------------


def is_own(connection: HTTPConnection, allowed: Sequence[str] = ()) -> bool:
    """Whether a request comes from a page of this very server, or from no page at all.

    `Origin`, which browsers send and pages cannot forge, must name the host that was asked; a
    socket must bring one. Opening the address (a link, a bookmark) is fine from anywhere, in a
    window of its own.

    Args:
        connection: the request.
        allowed: origins that count as ours, for servers behind a proxy that renames the host.
    """
    headers = connection.headers
    origin = headers.get("origin")
    if origin is not None:
        here = headers.get("host", "").lower()
        if _host_of(origin) != here and origin.rstrip("/").lower() not in allowed:
            return False
    elif connection.scope["type"] == "websocket":
        return False
    if headers.get("sec-fetch-site", "none") in ("same-origin", "none"):
        return True
    if origin is not None:
        return True  # compared above; a proxy may make one site of two
    opened = headers.get("sec-fetch-mode") == "navigate"
    return opened and headers.get("sec-fetch-dest", "document") == "document"


def _host_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


# --- the door -----------------------------------------------------------------------------------


class Guard:
    """ASGI middleware in front of everything, sockets too.

    Args:
        app: what it guards.
        key: what opens it.
        base: the path below which the app lies.
        origins: further origins that count as the app's own (`server.corsAllowedOrigins`).
    """

    def __init__(self, app: ASGIApp, key: Key, base: str = "", origins: Sequence[str] = ()) -> None:
        self._app, self._key = app, key
        prefix = prefix_of(base)
        self._open = f"{prefix}/{HEALTH}"
        self._origins = [origin.rstrip("/").lower() for origin in origins]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, give it the cookie, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        from starlette.requests import HTTPConnection

        connection = HTTPConnection(scope)
        if scope["type"] == "http":
            send = _with_headers(send)
        if scope["path"] == self._open and scope.get("method") in ("GET", "HEAD"):
            await self._app(scope, receive, send)
        elif not is_own(connection, self._origins):
            await _refuse(scope, receive, send, _FOREIGN)
        elif response := self._entrance(connection):
            await response(scope, receive, send)
        elif self._key.held_by(connection):
            await self._app(scope, receive, send)
        else:
            await _refuse(scope, receive, send, _page(connection))

    def _entrance(self, connection: HTTPConnection) -> ASGIApp | None:
        """The way in for an address with the token in it: the same one without, and a cookie."""
        scope = connection.scope
        if scope["type"] != "http" or scope["method"] != "GET":
            return None
        given = connection.query_params.get("token", "")
        if not given or not self._key.fits(given):
            return None
        from starlette.responses import Response

        rest = [(k, v) for k, v in connection.query_params.multi_items() if k != "token"]
        # Relative, since a proxy may have put us below a path that only the browser knows.
        last = quote(scope["path"].rpartition("/")[2], safe="")
        location = f"./{last}" + (f"?{urlencode(rest)}" if rest else "")
        response = Response(
            status_code=303, headers={"Location": location, "Cache-Control": "no-store"}
        )
        response.set_cookie(
            self._key.cookie, self._key.value, max_age=_COOKIE_S, httponly=True, samesite="lax",
            secure=scope.get("scheme") == "https",
        )  # fmt: skip
        return response


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = list(message.get("headers", []))
            there = {name.lower() for name, _ in given}
            ours = [(name, value) for name, value in _HEADERS if name not in there]
            message = {**message, "headers": [*given, *ours]}
        await send(message)

    return sending


# --- refusing -----------------------------------------------------------------------------------

_FOREIGN = "This request comes from a page of another server. It is refused.\n"
_LOCKED = "This studio opens with the address that it prints in the terminal: it ends in ?token=…\n"


def _page(connection: HTTPConnection) -> str:
    """What a person sees who has no token: where to find it, and a field to paste it into."""
    if "text/html" not in connection.headers.get("accept", ""):
        return _LOCKED
    wrong = connection.query_params.get("token")
    note = "<p class='wrong'>That is not the token of this studio.</p>" if wrong else ""
    kept = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in connection.query_params.multi_items()
        if name != "token"
    )
    return _HTML.replace("<!--note-->", note).replace("<!--kept-->", kept)


async def _refuse(scope: Scope, receive: Receive, send: Send, body: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": "Not for you."})
        return
    from starlette.responses import Response

    media = "text/html" if body.startswith("<") else "text/plain"
    response = Response(
        body, status_code=403, media_type=media, headers={"Cache-Control": "no-store"}
    )
    await response(scope, receive, send)


_HTML = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Patchbay</title>
<meta name="viewport" content="width=device-width">
<style>
:root { color-scheme: light dark; --ink: #23262f; --paper: #fcfcfd; --soft: #f2f3f7;
  --line: #dfe2ea; --blue: #4453c8; --red: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ef; --paper: #14161c; --soft: #1f222b;
  --line: #343845; --blue: #5a69e0; --red: #f2a19b; } }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; color: var(--ink);
  background: var(--paper); font: 15px/1.55 system-ui, sans-serif; }
main { max-width: 27rem; margin: 1rem; padding: 1.6rem 1.8rem; border: 1px solid var(--line);
  border-radius: 12px; }
h1 { font-size: 1.25rem; margin: 0 0 .6rem; }
p { margin: .6rem 0; }
code { background: var(--soft); padding: .1em .35em; border-radius: 4px; }
form { display: flex; gap: .5rem; margin-top: 1.1rem; }
input[name=token] { flex: 1; min-width: 0; font: inherit; padding: .5rem .7rem;
  color: inherit; background: var(--soft); border: 1px solid var(--line); border-radius: 8px; }
button { font: inherit; font-weight: 600; padding: .5rem 1rem; border: 0; border-radius: 8px;
  color: #fff; background: var(--blue); cursor: pointer; }
.wrong { color: var(--red); }
</style></head><body><main>
<h1>This studio is locked</h1>
<p>Open it with the address that it prints in the terminal where it runs. It ends in
<code>?token=…</code> and is needed once per browser.</p>
<!--note-->
<form method="get"><!--kept-->
<input name="token" type="password" placeholder="Token" aria-label="Token" autofocus
 autocomplete="off" required>
<button>Open</button></form>
</main></body></html>
"""


def entrance(address: str, token: str) -> str:
    """The address that lets in."""
    return f"{re.sub(r'/+$', '', address)}/?{urlencode({'token': token})}"
