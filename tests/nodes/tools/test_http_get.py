"""HTTP GET against a real server on this machine, and against names that lead home."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from patchbay.nodes.tools.addresses import is_allowed
from patchbay.nodes.tools.fetch import FetchProblem
from patchbay.nodes.tools.http_get import HttpGet
from tests.loopback import served
from tests.nodes.tools.kit import called, tool_of

PAGES: dict[str, tuple[str, bytes]] = {
    "/text": ("text/plain; charset=utf-8", "Größe".encode()),
    "/latin": ("text/plain; charset=latin-1", "Größe".encode("latin-1")),
    "/json": ("application/json", b'{"a": 1}'),
    "/page": (
        "text/html",
        b"<head><title>T</title><style>p {}</style><script>x = '<p>'</script></head>"
        b"<p>One <b>two</b></p><p>three &amp; four</p>",
    ),
    "/long": ("text/plain", b"x" * 10_000),
    "/picture": ("image/png", b"\x89PNG"),
    "/a%20b?q=%C3%A9": ("text/plain", b"encoded"),
}


class Site(BaseHTTPRequestHandler):
    """Serves the pages, redirects, and is slow where asked."""

    hits: list[str] = []

    def do_GET(self) -> None:
        self.hits.append(self.path)
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
            return
        if self.path not in PAGES:
            self.send_error(404)
            return
        media, body = PAGES[self.path]
        self.send_response(200)
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def site() -> Iterator[str]:
    Site.hits = []
    with served(Site) as url:
        yield url


async def get(url: str, **params: Any) -> str:
    return await called(tool_of(HttpGet, {"allow_loopback": True, **params}), url=url)


async def test_texts_pages_and_json(site: str):
    assert await get(f" {site}/text ") == "Größe"
    assert await get(f"{site}/latin") == "Größe"
    assert await get(f"{site}/json") == '{"a": 1}'
    assert await get(f"{site}/page") == "T\nOne two\nthree & four"
    assert await get(f"{site}/a b?q=é") == "encoded"


async def test_a_long_text_is_cut(site: str):
    assert await get(f"{site}/long", limit=100) == "x" * 100 + "\n… (cut after 100 bytes)"


async def test_redirects_are_followed(site: str):
    assert await get(f"{site}/to//text") == "Größe"
    with pytest.raises(FetchProblem, match="redirects more than 5 times"):
        await get(f"{site}/to/{site}/to/{site}/to/{site}/to/{site}/to/{site}/to/{site}/text")


async def test_what_is_not_there_or_not_text(site: str):
    with pytest.raises(FetchProblem, match="status 404"):
        await get(f"{site}/none")
    with pytest.raises(FetchProblem, match="not text but 'image/png'"):
        await get(f"{site}/picture")
    with pytest.raises(FetchProblem, match="cannot be reached"):
        await get("http://127.0.0.1:9/")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("file:///etc/passwd", "not an http"),
        ("ftp://example.org/", "not an http"),
        ("example.org", "not an http"),
        ("http://", "not an http"),
        ("http://user:word@example.org/", "user name or a password"),
        ("http://[::1", "not an address"),
        ("http://127.0.0.1:99999/", "not an address"),
        ("http://two..dots/", "not the name of a host"),
        ("http://./", "not the name of a host"),
        (f"http://{'a' * 64}.example/", "not the name of a host"),
        (f"http://{'a.' * 200}example/", "not the name of a host"),
        ("http://a b/", "not the name of a host"),
        ("http://a%2eb/", "not the name of a host"),
        ("http://-a.example/", "not the name of a host"),
        ("http://a\\b/", "not the name of a host"),
        ("http://\x00/", "not the name of a host"),
        ("http://\ud800.example/", "not the name of a host"),
        ("http://*.example/", "not the name of a host"),
        ("http://[:::]/", "not an"),
        ("http://[fe80::1%25eth0]/", "not an"),
        ("http://[v1.x]/", "not an"),
    ],
)
async def test_what_is_no_address(url: str, why: str):
    with pytest.raises(FetchProblem, match=why):
        await get(url)


async def test_this_machine_only_where_allowed(site: str):
    with pytest.raises(FetchProblem, match="not a public address"):
        await get(f"{site}/text", allow_loopback=False)
    assert Site.hits == []


@pytest.mark.parametrize(
    "host",
    ["10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "0.0.0.0", "[fe80::1]",
     "[fd00::1]", "[::ffff:169.254.169.254]", "[::]", "100.64.0.1", "224.0.0.1", "2852039166",
     "0xa9fea9fe"],
)  # fmt: skip
async def test_private_and_link_local_addresses_are_refused(host: str):
    """Also in the spellings that only the resolver understands."""
    with pytest.raises(FetchProblem, match=r"not a public address|cannot be reached"):
        await get(f"http://{host}/latest/meta-data")


async def test_a_redirect_is_checked_like_the_first_address(site: str):
    with pytest.raises(FetchProblem, match=r"'169.254.169.254' is not a public address"):
        await get(f"{site}/to/http://169.254.169.254/latest/meta-data")
    with pytest.raises(FetchProblem, match="not an http"):
        await get(f"{site}/to/file:///etc/passwd")


async def test_a_name_that_resolves_differently_the_second_time_gains_nothing(
    site: str, monkeypatch: pytest.MonkeyPatch
):
    """DNS rebinding: what was checked is what is connected to, and it is asked for once."""
    asked = []

    def resolver(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        asked.append(host)
        address = "93.184.216.34" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    connected: list[str] = []

    async def connect(self: Any, host: str, *args: Any, **kwargs: Any) -> Any:
        connected.append(host)
        raise httpcore.ConnectError("no network in tests")

    import httpcore

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect)
    with pytest.raises(FetchProblem, match="cannot be reached"):
        await get("http://rebind.example/", allow_loopback=False)
    assert (asked, connected) == (["rebind.example"], ["93.184.216.34"])
    with pytest.raises(FetchProblem, match="not a public address"):
        await get("http://rebind.example/", allow_loopback=False)


PUBLIC = [
    "1.1.1.1", "9.9.9.9", "11.0.0.1", "93.184.216.34", "100.63.255.255", "100.128.0.1",
    "172.15.0.1", "172.32.0.1", "192.0.1.1", "192.31.196.1", "192.52.193.1", "192.175.48.1",
    "198.17.0.1", "198.20.0.1", "223.255.255.255", "2000::1", "2001:200::1", "2001:4860:4860::8888",
    "2003::1", "2606:4700::1", "2620:4f:8000::1", "2a00::1", "3ffe::1", "64:ff9b::1.1.1.1",
    "::ffff:1.1.1.1",
]  # fmt: skip
NOT_PUBLIC = [
    # IPv4, each range of the registry with its first or last address
    "0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.100.100.200",
    "100.127.255.255", "127.0.0.1", "127.255.255.254", "168.63.129.16", "169.254.169.254",
    "172.16.0.0", "172.31.255.255", "192.0.0.1", "192.0.0.9", "192.0.0.192", "192.0.2.1",
    "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1",
    "224.0.0.1", "233.252.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    # IPv6 with special meanings
    "::", "::1", "100::1", "100:0:0:1::1", "2001::1", "2001:1::1", "2001:2::1", "2001:10::1",
    "2001:20::1", "2001:30::1", "2001:db8::1", "2002::1", "3fff::1", "3fff:fff::1", "4000::1",
    "5f00::1", "fc00::1", "fd00::1", "fe00::1", "fe80::1", "fec0::1", "feff::1", "ff02::1",
    # IPv6 that wraps an IPv4 address: compatible, mapped, translated, NAT64, 6to4, Teredo
    "::127.0.0.1", "::169.254.169.254", "::1.1.1.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "::ffff:169.254.169.254", "::ffff:0:127.0.0.1", "::ffff:0:1.1.1.1", "64:ff9b::127.0.0.1",
    "64:ff9b::169.254.169.254", "64:ff9b:1::1.1.1.1", "2002:7f00:1::1", "2002:a9fe:a9fe::1",
    "2002:101:101::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address: str):
    assert is_allowed(ipaddress.ip_address(address), loopback=False)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_addresses_that_are_not_public(address: str):
    assert not is_allowed(ipaddress.ip_address(address), loopback=False)


def test_loopback_may_be_allowed_and_nothing_else_with_it():
    assert is_allowed(ipaddress.ip_address("::ffff:127.0.0.1"), loopback=True)
    assert not is_allowed(ipaddress.ip_address("10.0.0.1"), loopback=True)
