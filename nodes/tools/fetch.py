"""One HTTP GET for an agent: bounded in size and time, and to public addresses only."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from patchbay.nodes.text.html import read_page
from patchbay.nodes.tools.addresses import AddressRefused, guarded_backend

if TYPE_CHECKING:
    import httpcore

MAX_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_TEXT = re.compile(r"text/|application/(.*\+)?(json|xml|yaml|javascript|x-ndjson)", re.IGNORECASE)
_CHARSET = re.compile(r"charset=\"?([\w.:-]{1,40})", re.IGNORECASE)


class FetchProblem(ValueError):  # noqa: N818 - it is told to a model as it is
    """The address cannot be fetched; the text says why."""


async def fetch(url: str, *, limit: int, loopback: bool) -> str:
    """The text at an address; of an HTML page, what a reader sees.

    Redirects are followed, each checked like the first address. Proxies of the environment are not
    used: what they connect to could not be checked.

    Args:
        limit: bytes that are read; what comes after is left out, and that it was is said.
        loopback: whether this machine itself may be asked.

    Raises:
        FetchProblem: it is refused, not there, or not text.
    """
    import httpcore

    backend = guarded_backend(loopback=loopback)
    async with httpcore.AsyncConnectionPool(network_backend=backend) as pool:
        for _ in range(MAX_REDIRECTS + 1):
            check_address(url)
            try:
                answer = await _get(pool, url, limit)
            except AddressRefused as error:
                raise FetchProblem(str(error)) from error
            except UnicodeError as error:
                raise FetchProblem(f"{shown(url)} names no host that can be looked up.") from error
            except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
                raise FetchProblem(
                    f"{shown(url)} cannot be reached: {error or 'no answer'}."
                ) from error
            except httpcore.TimeoutException as error:
                raise FetchProblem(f"{shown(url)} does not answer.") from error
            if isinstance(answer, str):
                return answer
            url = urljoin(url, answer.location)
    raise FetchProblem(f"{shown(url)} redirects more than {MAX_REDIRECTS} times.")


class _Redirect:
    def __init__(self, location: str) -> None:
        self.location = location


def check_address(url: str) -> None:
    """Check that an address is one that may be asked for.

    Raises:
        FetchProblem: it is not, in words.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise FetchProblem(f"{shown(url)} is not an address.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise FetchProblem(f"{shown(url)} is not an http:// or https:// address.")
    if parts.username is not None or parts.password is not None:
        raise FetchProblem("An address with a user name or a password in it is not fetched.")
    if port == 0:
        raise FetchProblem(f"{shown(url)} is not an address.")
    _host(url)


_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.IGNORECASE)


def _host(url: str) -> str:
    """The host of an address as a request may name it: in ASCII, an IPv6 address in brackets.

    Raises:
        FetchProblem: no host is called so.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if "[" in parts.netloc or ":" in host:
        try:
            address = ipaddress.IPv6Address(host)
            if address.scope_id is None:
                return f"[{address}]"
            raise ValueError  # a scope names a card of this machine
        except ValueError:
            raise FetchProblem(f"{shown(host)} is not an IPv6 address.") from None
    try:
        name = host.encode("idna").decode("ascii")
    except UnicodeError:
        name = ""
    labels = name.removesuffix(".").split(".")
    if len(name) > 254 or not all(_LABEL.fullmatch(label) for label in labels):
        raise FetchProblem(
            f"{shown(host)} is not the name of a host. Names are made of letters, digits and "
            "hyphens, with dots between parts of at most 63."
        )
    return name


async def _get(pool: httpcore.AsyncConnectionPool, url: str, limit: int) -> str | _Redirect:
    headers: dict[bytes | str, bytes | str] = {
        "Host": urlsplit(encoded(url)).netloc,
        "User-Agent": "patchbay",
        "Accept": "text/*, application/json;q=0.9, */*;q=0.1",
        "Accept-Encoding": "identity",
    }
    async with pool.stream("GET", encoded(url), headers=headers) as response:
        given = {name.decode().lower(): value.decode("latin-1") for name, value in response.headers}
        if response.status in _REDIRECTS and given.get("location"):
            return _Redirect(given["location"])
        if response.status != 200:
            raise FetchProblem(f"{shown(url)} answers with status {response.status}.")
        media = given.get("content-type", "text/plain")
        if not _TEXT.match(media):
            raise FetchProblem(f"{shown(url)} is not text but {media[:100]!r}.")
        data = b""
        async for block in response.aiter_stream():
            data += block
            if len(data) > limit:
                break
    return _text(data, media, limit)


def encoded(url: str) -> str:
    """Spaces and letters outside of ASCII as a request may hold them."""
    from urllib.parse import quote

    parts = urlsplit(url)
    netloc = f"{_host(url)}:{parts.port}" if parts.port else _host(url)
    safe = "/:?#[]@!$&'()*+,;=%-._~"
    query = f"?{quote(parts.query, safe)}" if parts.query else ""
    return f"{parts.scheme}://{netloc}{quote(parts.path or '/', safe)}{query}"


def _text(data: bytes, media: str, limit: int) -> str:
    text = readable(data[:limit], media)
    return f"{text}\n… (cut after {limit:,} bytes)" if len(data) > limit else text


def readable(data: bytes, media: str) -> str:
    """Content as text, by its media type; of a page, what a reader sees. "" where it is no text."""
    if not _TEXT.match(media):
        return ""
    named = _CHARSET.search(media)
    try:
        text = data.decode(named[1] if named else "utf-8", "replace")
    except LookupError:
        text = data.decode("utf-8", "replace")
    if "html" in media.lower():
        page = read_page(text)
        text = f"{page.title}\n{page.text}".strip()
    return text


def shown(url: str) -> str:
    """An address in quotes, cut short."""
    return repr(url if len(url) <= 200 else f"{url[:200]}…")
