"""One HTTP request of any method: guarded, bounded, and tried again where that is safe."""

from __future__ import annotations

import asyncio
import email.utils
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from patchbay.nodes.context import IDEMPOTENCY_KEY, Context
from patchbay.nodes.strict_json import parse_json
from patchbay.nodes.tools.addresses import AddressRefused, guarded_backend
from patchbay.nodes.tools.fetch import (
    MAX_REDIRECTS,
    FetchProblem,
    check_address,
    encoded,
    readable,
    shown,
)
from patchbay.nodes.units import duration

if TYPE_CHECKING:
    import httpcore

_REDIRECTS = (301, 302, 303, 307, 308)
_BUSY = (429, 503)
_PASSING = (*_BUSY, 502, 504)
_SAFE_TWICE = ("GET", "HEAD", "PUT", "DELETE", "OPTIONS")
"""Methods that may be sent twice (RFC 9110, 9.2.2)."""
_SECRET = ("authorization", "cookie", "proxy-authorization")
OWN_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection", "expect"})
"""Headers that say how a request is sent. Set otherwise they would send another one than was
judged."""
MAX_WAIT_S = 60.0
"""The longest that a server's Retry-After is waited for."""


@dataclass(frozen=True)
class HttpCall:
    """What is sent. `private` names headers, in small letters, that go to the first host only."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    private: frozenset[str] = frozenset()


@dataclass(frozen=True)
class HttpReply:
    """What came back, of any status. `headers` have names in small letters."""

    status: int
    headers: Mapping[str, str]
    data: bytes
    cut: bool
    url: str

    @property
    def media(self) -> str:
        """What kind of content it is, such as `application/json`."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def text(self) -> str:
        """The content as text; of a page, what a reader sees. Empty where it is no text."""
        media = self.headers.get("content-type", "text/plain")
        return readable(self.data, media)

    def said(self, limit: int = 300) -> str:
        """The beginning of the text in one line, to be quoted in an error."""
        return " ".join(self.text().split())[:limit]

    def json(self) -> Any:
        """The content as JSON.

        Raises:
            ValueError: it is none, or was cut.
        """
        if self.cut:
            raise ValueError("the answer was cut at the limit of bytes")
        return parse_json(self.data.decode("utf-8-sig"))


@dataclass(frozen=True)
class Sending:
    """How a request is sent.

    `limit` is in bytes. `tries` counts the first one. `wait` sleeps; it is told why and how long.
    """

    limit: int = 1_000_000
    loopback: bool = False
    tries: int = 3
    wait: Callable[[str, float], Awaitable[None]] | None = None


def told_waits(ctx: Context) -> Callable[[str, float], Awaitable[None]]:
    """Waits before a request is made again, and warns why."""

    async def wait(why: str, seconds: float) -> None:
        await ctx.warn(f"{why}; trying again in {duration(seconds)}.")
        await asyncio.sleep(seconds)

    return wait


async def send(call: HttpCall, how: Sending) -> HttpReply:
    """Send a request, follow redirects, and try again where the server asks for it.

    A server that is busy (429, 503) is asked again after its Retry-After, in seconds or as a date;
    other failures that pass only where the method may be sent twice. Redirects are checked like the
    first address, and to another host go without what is private.

    Raises:
        FetchProblem: the address is refused, not there, or asks to wait too long; in words.
    """
    _check_headers(call)
    for number in range(1, how.tries + 1):
        last = number == how.tries
        try:
            reply = await _follow(call, how)
        except _Unanswered as error:
            if last or not (error.unsent or call.method in _SAFE_TWICE):
                raise FetchProblem(str(error)) from error
            await _wait(how, str(error), _backoff(number))
            continue
        if last or reply.status not in _PASSING:
            return reply
        asked = retry_after(reply.headers.get("retry-after", ""))
        if reply.status not in _BUSY or asked is None:
            if call.method not in _SAFE_TWICE:
                return reply
            asked = _backoff(number)
        if asked > MAX_WAIT_S:
            raise FetchProblem(
                f"{_host_of(call.url)} answers with status {reply.status} and asks to wait "
                f"{duration(asked)}; at most {duration(MAX_WAIT_S)} are waited."
            )
        await _wait(how, f"{_host_of(call.url)} is busy (status {reply.status})", asked)
    raise AssertionError("the last try returns or raises")


def retry_after(text: str, now: float | None = None) -> float | None:
    """The seconds that a Retry-After header asks to wait; None where it says nothing readable."""
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) < 12:
        return float(text)
    try:
        date = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
    return max(0.0, date.timestamp() - (time.time() if now is None else now))


class _Unanswered(Exception):  # noqa: N818
    """Nothing came back. `unsent`: the server cannot have seen the request."""

    def __init__(self, message: str, *, unsent: bool) -> None:
        super().__init__(message)
        self.unsent = unsent


async def _follow(call: HttpCall, how: Sending) -> HttpReply:
    import httpcore

    backend = guarded_backend(loopback=how.loopback)
    async with httpcore.AsyncConnectionPool(network_backend=backend) as pool:
        for _ in range(MAX_REDIRECTS + 1):
            check_address(call.url)
            try:
                reply = await _once(pool, call, how.limit)
            except AddressRefused as error:
                raise FetchProblem(str(error)) from error
            except UnicodeError as error:
                raise FetchProblem(f"{shown(call.url)} names no host to look up.") from error
            except (httpcore.ConnectError, httpcore.ConnectTimeout, OSError) as error:
                why = str(error) or "no answer"
                words = f"{_host_of(call.url)} cannot be reached: {why}."
                raise _Unanswered(words, unsent=True) from error
            except (httpcore.NetworkError, httpcore.ProtocolError) as error:
                words = f"{_host_of(call.url)} broke off: {error or 'no answer'}."
                raise _Unanswered(words, unsent=False) from error
            except httpcore.TimeoutException as error:
                words = f"{_host_of(call.url)} does not answer."
                raise _Unanswered(words, unsent=False) from error
            target = reply.headers.get("location", "")
            if reply.status not in _REDIRECTS or not target:
                return reply
            call = _redirected(call, urljoin(call.url, target), reply.status)
    raise FetchProblem(f"{_host_of(call.url)} redirects more than {MAX_REDIRECTS} times.")


async def _once(pool: httpcore.AsyncConnectionPool, call: HttpCall, limit: int) -> HttpReply:
    url = encoded(call.url)
    headers = {"Host": urlsplit(url).netloc, **call.headers}
    usual = {
        "User-Agent": "patchbay",
        "Accept": "application/json, text/*;q=0.9, */*;q=0.1",
        "Accept-Encoding": "identity",
    }
    if (key := IDEMPOTENCY_KEY.get()) and call.method not in ("GET", "HEAD", "OPTIONS"):
        usual["Idempotency-Key"] = key
    there = {name.lower() for name in headers}  # their names are the same in any case
    headers |= {name: value for name, value in usual.items() if name.lower() not in there}
    if call.body is not None or call.method in ("POST", "PUT", "PATCH"):
        headers["Content-Length"] = str(len(call.body or b""))
    pairs: list[tuple[bytes | str, bytes | str]] = [
        (name.encode("ascii"), value.encode("utf-8")) for name, value in headers.items()
    ]
    async with pool.stream(call.method, url, headers=pairs, content=call.body) as response:
        given = {name.decode().lower(): value.decode("latin-1") for name, value in response.headers}
        data = bytearray()
        async for block in response.aiter_stream():
            data += block
            if len(data) > limit:
                break
    return HttpReply(response.status, given, bytes(data[:limit]), len(data) > limit, call.url)


def _redirected(call: HttpCall, url: str, status: int) -> HttpCall:
    """The next request: as browsers do, only 307 and 308 keep a method that has a body."""
    if urlsplit(url)[:2] != urlsplit(call.url)[:2]:
        private = call.private | set(_SECRET)
        kept = {k: v for k, v in call.headers.items() if k.lower() not in private}
        call = replace(call, headers=kept)
    if status in (301, 302, 303) and call.method not in ("GET", "HEAD"):
        left = {k: v for k, v in call.headers.items() if k.lower() != "content-type"}
        call = replace(call, method="GET", body=None, headers=left)
    return replace(call, url=url)


def _check_headers(call: HttpCall) -> None:
    for name, value in call.headers.items():
        if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
            raise FetchProblem(f"{name[:80]!r} is not the name of a header.")
        if name.lower() in OWN_HEADERS:
            raise FetchProblem(f"The header {name!r} is made of the request; it cannot be set.")
        if any(char in value for char in "\r\n\0"):
            raise FetchProblem(f"The header {name!r} has a line break in its value.")


def _host_of(url: str) -> str:
    """The host of an address: what may be told, since keys stand in what follows."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2][:200] or "The address"
    except ValueError:
        return "The address"


def _backoff(number: int) -> float:
    return float(min(2 ** (number - 1), 30) * (0.5 + random.random() / 2))  # noqa: S311 - no secret


async def _wait(how: Sending, why: str, seconds: float) -> None:
    if how.wait is None:
        await asyncio.sleep(seconds)
    else:
        await how.wait(why, seconds)
