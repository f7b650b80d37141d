"""What a page may hear and take: a token for each flow it shows, good for its browser alone."""

from __future__ import annotations

import hmac
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from patchbay.studio.server.cookie import COOKIE

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

TOKENS = 5000


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token opens: news of one document for one browser."""

    document: str
    browser: str


class Grants:
    """The tokens that were given out. The oldest are forgotten; a page then asks for another."""

    def __init__(self, limit: int = TOKENS) -> None:
        self._grants: OrderedDict[str, Grant] = OrderedDict()
        self._limit, self._lock = limit, threading.Lock()

    def issue(self, document: str, browser: str) -> str:
        """A token for this browser and document."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._grants[token] = Grant(document, browser)
            while len(self._grants) > self._limit:
                self._grants.popitem(last=False)
        return token

    def check(self, token: str, document: str, browser: str) -> Grant | None:
        """The grant, if this browser holds it for this document."""
        with self._lock:
            grant = self._grants.get(token)
        if grant is None or not hmac.compare_digest(grant.document, document):
            return None
        return grant if hmac.compare_digest(grant.browser, browser) else None


def granted(connection: HTTPConnection) -> Grant | None:
    """What a connection may hear: same origin, and a token that was given to this browser."""
    if not same_origin(connection):
        return None
    query = connection.query_params
    browser = connection.cookies.get(COOKIE, "")
    from patchbay.studio.server.services import services

    return services().grants.check(query.get("token", ""), query.get("doc", ""), browser)


def same_origin(connection: HTTPConnection) -> bool:
    """Whether the request comes from a page of this very server."""
    headers = connection.headers
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")
