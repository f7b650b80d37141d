"""Pages and what they load: nothing of another site, under a strict policy."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from patchbay.flows.server.core.refusals import refused
from patchbay.flows.server.http.openapi import page

ASSETS = Path(__file__).parent / "assets"
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'self'",
    ]
)
"""What our pages may load (Content Security Policy Level 3)."""


async def root(_: Request) -> Response:
    """The first page."""
    return RedirectResponse("/docs", 302)


async def docs(_: Request) -> Response:
    """The page that shows the flows."""
    return HTMLResponse(page(), headers={"content-security-policy": POLICY})


async def asset(request: Request) -> Response:
    """A script or a style."""
    name = request.path_params["name"]
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


ROUTES = [Route("/", root), Route("/docs", docs), Route("/assets/{name}", asset)]
