"""Addresses of model servers: what is taken, and how a server at one is spoken to."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator

from patchbay.nodes.values import SecretRef


def key_and_name(
    secret: SecretRef | None, secret_of: Callable[[SecretRef], str]
) -> tuple[str, str]:
    """The key that a secret holds, and the secret's name; both empty without one.

    Raises:
        NodeError: it is not set.
    """
    return (secret_of(secret), secret.secret) if secret else ("", "")


def check_address(text: str) -> str:
    """An address as it is used: trimmed, without a slash at its end.

    Raises:
        ValueError: it is no plain http or https address.
    """
    address = text.strip().rstrip("/")
    try:
        parts = urlsplit(address)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"is no address: {error}") from None
    if parts.scheme not in ("http", "https") or "://" not in address:
        raise ValueError("must start with http:// or https://, such as http://127.0.0.1:8080/v1")
    if not host or any(c.isspace() for c in address):
        raise ValueError("names no host; write it like http://127.0.0.1:8080/v1")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user or a password; name the key as a secret instead")
    if parts.query or parts.fragment:
        raise ValueError("must end with the path; leave out what follows ? or #")
    return address


Address = Annotated[str, AfterValidator(check_address)]
"""A checked address; as a field of params, a mistake is a problem at that param."""


def is_loopback(address: str) -> bool:
    """Whether the address stays on this machine."""
    host = urlsplit(address).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def client_settings(address: str, timeout_s: float) -> dict[str, Any]:
    """Settings of the `httpx` clients that speak to a server.

    Redirects are not followed: they could carry a key, and what was asked, to another host. Proxies
    are not used on this machine.
    """
    import httpx

    return {
        "timeout": httpx.Timeout(timeout_s, connect=min(timeout_s, CONNECT_S)),
        "follow_redirects": False,
        "trust_env": not is_loopback(address),
    }


def async_settings() -> dict[str, Any]:
    """More of them for asynchronous clients.

    No connection outlives its request: the opened model outlives the event loop that made it.
    """
    import httpx

    return {"limits": httpx.Limits(max_keepalive_connections=0)}


CONNECT_S = 15.0
"""A server that has not taken the connection by then is not there."""
