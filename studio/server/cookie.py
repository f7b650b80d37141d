"""Every browser gets a name, so that a person who returns finds their runs."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "patchbay_browser"
"""What the name is kept in."""
_COOKIE_YEARS = 365 * 24 * 3600


class BrowserCookie:
    """ASGI middleware that gives every browser a name, in a cookie no script can read.

    Args:
        app: what it wraps.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through; add the cookie to pages where it is missing."""
        if scope["type"] != "http" or _has_cookie(scope):
            await self._app(scope, receive, send)
            return

        async def with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_page(message):
                secure = "; Secure" if scope.get("scheme") == "https" else ""
                value = (
                    f"{COOKIE}={secrets.token_urlsafe(18)}; Path=/; HttpOnly; SameSite=Lax; "
                    f"Max-Age={_COOKIE_YEARS}{secure}"
                )
                message = {**message, "headers": [*message.get("headers", [])]}
                message["headers"].append((b"set-cookie", value.encode()))
            await send(message)

        await self._app(scope, receive, with_cookie)


def _has_cookie(scope: Scope) -> bool:
    sent = b"; ".join(value for name, value in scope["headers"] if name == b"cookie")
    return re.search(rb"(^|;\s*)" + COOKIE.encode() + rb"=[\w-]{16,}", sent) is not None


def _is_page(message: Message) -> bool:
    headers = dict(message.get("headers", []))
    return bool(headers.get(b"content-type", b"").startswith(b"text/html"))
