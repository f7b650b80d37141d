"""Which network addresses may be connected to. Decided on the resolved address, never on a name."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from httpcore import AsyncNetworkBackend

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_UNICAST = ipaddress.IPv6Network("2000::/3")
"""All that IANA has given out for public use (RFC 4291 and its registry of IPv6 addresses)."""

SPECIAL = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared between a provider's customers; some clouds' credentials
        "127.0.0.0/8",  # this machine
        "168.63.129.16/32",  # Azure's host, as its machines see it
        "169.254.0.0/16",  # link-local, where clouds keep credentials
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # relays of 6to4, given up
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
        "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID, drones
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which wraps any IPv4 address
        "3fff::/20",  # documentation
    )
)
"""The special-purpose registries of IANA (RFC 6890 and later), as of November 2026.

`ipaddress` has such a list too, but each Python its own: 3.11.7 calls 3fff::/20 and
::ffff:0:0/96 public. IPv6 outside of 2000::/3 needs no entry.
"""


class AddressRefused(ValueError):  # noqa: N818 - it is told to a model as it is
    """A host leads to an address that must not be connected to."""


def is_allowed(address: IPAddress, *, loopback: bool) -> bool:
    """Whether an address is public (or, where allowed, this machine's own).

    Private, link-local (where clouds keep their credentials), multicast, reserved and unspecified
    addresses are not, nor are IPv6 addresses that only wrap such an IPv4 address. Of those that
    wrap a public one only mapped addresses and those of NAT64 are, since systems still make them.
    """
    inner = _wrapped(address)
    if inner is not None:
        return is_allowed(inner, loopback=loopback)
    if address.is_loopback:
        return loopback
    if isinstance(address, ipaddress.IPv6Address) and address not in _UNICAST:
        return False
    if any(address in network for network in SPECIAL if network.version == address.version):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _wrapped(address: IPAddress) -> ipaddress.IPv4Address | None:
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped


async def resolve(host: str, port: int, *, loopback: bool) -> list[str]:
    """The addresses of a host, all of them allowed.

    Raises:
        AddressRefused: one of them is not; which one is not told.
        OSError: the name cannot be resolved.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return _allowed(host, found, loopback=loopback)


def look_up(host: str, port: int, *, loopback: bool) -> list[str]:
    """As `resolve`, for libraries that block."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return _allowed(host, found, loopback=loopback)


def _allowed(host: str, found: Iterable[tuple[Any, ...]], *, loopback: bool) -> list[str]:
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in addresses:
        if not is_allowed(ipaddress.ip_address(address.partition("%")[0]), loopback=loopback):
            hint = "" if loopback else " (nor is this machine itself)"
            raise AddressRefused(f"{host!r} is not a public address{hint}; it is not connected to.")
    return addresses


def guarded_backend(*, loopback: bool) -> AsyncNetworkBackend:
    """A network backend for httpcore that connects only to allowed addresses.

    It resolves the name itself and connects to the very address that it has checked, for every
    connection anew: a name that resolves differently the second time (DNS rebinding) or a redirect
    gains nothing.
    """
    import httpcore

    class Guarded(httpcore.AsyncNetworkBackend):
        def __init__(self) -> None:
            self._inner = httpcore.AnyIOBackend()

        async def connect_tcp(
            self,
            host: str,
            port: int,
            timeout: float | None = None,
            local_address: str | None = None,
            socket_options: Iterable[Any] | None = None,
        ) -> httpcore.AsyncNetworkStream:
            failure: Exception = httpcore.ConnectError(f"{host!r} has no address")
            for address in await resolve(host, port, loopback=loopback):
                try:
                    return await self._inner.connect_tcp(
                        address, port, timeout, local_address, socket_options
                    )
                except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                    failure = error
            raise failure

        async def connect_unix_socket(self, *args: Any, **kwargs: Any) -> Any:
            raise AddressRefused("Sockets of this machine are not connected to.")

        async def sleep(self, seconds: float) -> None:
            await asyncio.sleep(seconds)

    return Guarded()
