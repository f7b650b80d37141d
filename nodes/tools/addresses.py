"""Which network addresses may be connected to. Decided on the resolved address, never on a name."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from httpcore import AsyncNetworkBackend

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class AddressRefused(ValueError):  # noqa: N818 - it is told to a model as it is
    """A host leads to an address that must not be connected to."""


def is_allowed(address: Address, *, loopback: bool) -> bool:
    """Whether an address is public (or, where allowed, this machine's own).

    Private, link-local (where clouds keep their credentials), multicast, reserved and unspecified
    addresses are not, nor are IPv6 addresses that only wrap such an IPv4 address.
    """
    inner = _wrapped(address)
    if inner is not None:
        return is_allowed(inner, loopback=loopback)
    if address.is_loopback:
        return loopback
    return address.is_global and not address.is_multicast


def _wrapped(address: Address) -> ipaddress.IPv4Address | None:
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)


async def resolve(host: str, port: int, *, loopback: bool) -> list[str]:
    """The addresses of a host, all of them allowed.

    Raises:
        AddressRefused: one of them is not; which one is not told.
        OSError: the name cannot be resolved.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
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
