"""Signed messages of webhooks, as Standard Webhooks says (version 1.0.0, symmetric).

Three headers: an id, a time, and signatures, each `v1,` and the HMAC-SHA256 of `id.time.body` in
base64. A message is taken for five minutes, and its id once.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping

WINDOW_S = 300
"""How far the time of a message may be from ours, in seconds."""
PREFIX = "whsec_"
ID, AT, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
_LONGEST = 256


def new_secret() -> str:
    """A secret that nobody guesses: 256 bits."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def key_of(secret: str) -> bytes:
    """The key in a secret.

    Raises:
        ValueError: it is none.
    """
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("it is not base64") from None
    if not 24 <= len(key) <= 64:
        raise ValueError("it has not 24 to 64 bytes")
    return key


def signed(secret: str, id: str, at: int, body: bytes) -> str:
    """The signature of a message."""
    text = f"{id}.{at}.".encode() + body
    return (
        "v1," + base64.b64encode(hmac.new(key_of(secret), text, hashlib.sha256).digest()).decode()
    )


def headers_for(secret: str, body: bytes, id: str = "", at: int | None = None) -> dict[str, str]:
    """The headers of a message that is sent now."""
    id, at = id or f"msg_{secrets.token_urlsafe(18)}", int(time.time()) if at is None else at
    return {ID: id, AT: str(at), SIGNATURE: signed(secret, id, at, body)}


def wrong_head(headers: Mapping[str, str]) -> str:
    """What is wrong with a message whatever its body is, in words; "" where nothing is."""
    id, at, given = (headers.get(name, "") for name in (ID, AT, SIGNATURE))
    if not (id and at and given):
        return f"It lacks one of {ID}, {AT} and {SIGNATURE}."
    if len(id) > _LONGEST or not at.isascii() or not at.isdigit() or len(at) > 12:
        return f"Its {ID} or {AT} is none."
    return ""


def wrong_with(
    secret: str, headers: Mapping[str, str], body: bytes, now: float | None = None
) -> str:
    """What is wrong with a signed message, in words; "" where nothing is."""
    if wrong := wrong_head(headers):
        return wrong
    id, at, given = (headers.get(name, "") for name in (ID, AT, SIGNATURE))
    wanted = signed(secret, id, int(at), body).encode()
    each = given.encode("utf-8", "replace").split(b" ")[:20]
    if not any(hmac.compare_digest(one, wanted) for one in each):
        return "Its signature does not fit its body, its time and the secret."
    if abs((time.time() if now is None else now) - int(at)) > WINDOW_S:
        return f"It was signed more than {WINDOW_S // 60} minutes from now."
    return ""
