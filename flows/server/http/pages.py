"""Pages and what they load: nothing of another site, under a strict policy."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from patchbay.flows.server.core.refusals import refused
from patchbay.flows.server.core.requests import service_of
from patchbay.flows.server.http.openapi import page

ASSETS = Path(__file__).parent / "assets"
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
)
"""What our pages may load (Content Security Policy Level 3)."""


def policy(origins: tuple[str, ...] = ()) -> str:
    """The policy of a page, which our own pages and those of these origins may frame."""
    return "; ".join((*_POLICY, " ".join(("frame-ancestors 'self'", *origins))))


async def root(_: Request) -> Response:
    """The first page."""
    return RedirectResponse("/docs", 302)


async def docs(_: Request) -> Response:
    """The page that shows the flows."""
    return HTMLResponse(page(), headers={"content-security-policy": policy()})


async def chat(request: Request) -> Response:
    """A conversation with a flow. The page knows nothing of it: it asks, with the reader's key."""
    origins = service_of(request).settings.origins
    headers = {"content-security-policy": policy(origins), "cache-control": "no-cache"}
    return HTMLResponse(_CHAT, headers=headers)


async def embed(_: Request) -> Response:
    """The script that puts the chat onto a page of somebody else."""
    return _asset("embed.js")


async def asset(request: Request) -> Response:
    """A script or a style."""
    return _asset(request.path_params["name"])


def _asset(name: str) -> Response:
    kind = _TYPES.get(Path(name).suffix)
    if kind is None or name not in known():
        raise refused(404, "serve/address", "There is no such address here.")
    return Response(_content(name), media_type=kind, headers={"cache-control": "no-cache"})


@lru_cache(maxsize=1)
def known() -> frozenset[str]:
    """The files that there are."""
    return frozenset(path.name for path in ASSETS.iterdir())


@lru_cache(maxsize=16)
def _content(name: str) -> bytes:
    return (ASSETS / name).read_bytes()


_CHAT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Chat</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/assets/chat.css"></head><body><main id="chat"></main>
<script type="module" src="/assets/chat.js"></script></body></html>
"""
"""The script and its style are the studio's chat: `make frontend` makes them of its sources."""

ROUTES = [
    Route("/", root),
    Route("/docs", docs),
    Route("/chat/{flow}", chat),
    Route("/embed.js", embed),
    Route("/assets/{name}", asset),
]
