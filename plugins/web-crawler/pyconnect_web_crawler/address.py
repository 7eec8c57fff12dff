"""Which addresses may be connected to, and a network backend that connects to no other.

A name is resolved here, every address is checked, and the connection goes to a checked address;
TLS and `Host` keep the name. So a name that answers differently the second time (DNS rebinding)
gains nothing, and every redirect, robots.txt and sitemap passes the same door.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TypeAlias

import httpcore

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
_Address: TypeAlias = IPv4Address | IPv6Address

# `ipaddress.is_global` lets some of these through (224.0.0.1, 192.0.0.8, 168.63.129.16): RFC 6890
# and its successors (2001::/23 has Teredo), with two addresses where clouds keep their metadata.
_NEVER = (
    "0.0.0.0/8", "100.64.0.0/10", "168.63.129.16/32", "169.254.0.0/16", "192.0.0.0/24",
    "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
    "224.0.0.0/4", "240.0.0.0/4",
    "::/128", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16",
    "fd00:ec2::254/128", "fe80::/10", "fec0::/10", "ff00::/8",
)  # fmt: skip
_PRIVATE = ("10.0.0.0/8", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
_NEVER_NETWORKS = tuple(ip_network(text) for text in _NEVER)
_PRIVATE_NETWORKS = tuple(ip_network(text) for text in _PRIVATE)
_EMBEDDING = tuple(ip_network(text) for text in ("::/96", "64:ff9b::/96"))
_SIX_TO_FOUR = ip_network("2002::/16")


class Refused(Exception):
    """An address that this crawler does not connect to; never tried again by itself."""


def check(text: str, allow_private: bool = False) -> None:
    """Raise Refused unless `text` is an address of the public internet.

    `allow_private` lets loopback and private networks through, never link-local (where clouds keep
    their metadata), multicast or reserved ranges.
    """
    for address in _unwrapped(ip_address(text.split("%", 1)[0])):
        if any(address in network for network in _NEVER_NETWORKS):
            raise Refused(f"{text} is no address of the public internet")
        if not allow_private and any(address in network for network in _PRIVATE_NETWORKS):
            raise Refused(
                f"{text} is a private address. To crawl your own network set `allow_private: true`."
            )


def _unwrapped(address: _Address) -> Iterable[_Address]:
    """Give the addresses that a connection to `address` may really reach."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address in _SIX_TO_FOUR and address.sixtofour is not None:
        return [address, address.sixtofour]
    if int(address) > 1 and any(address in network for network in _EMBEDDING):
        return [address, IPv4Address(int(address) & 0xFFFFFFFF)]
    return [address]


async def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host, in the system's order. Raises OSError if there is none."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in found))


class PinnedBackend(httpcore.AsyncNetworkBackend):
    """Connects only to addresses that were checked, whatever the name resolves to later."""

    def __init__(self, allow_private: bool, resolve: Resolve = resolve) -> None:
        self._allow_private = allow_private
        self._resolve = resolve
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first checked address that answers; refuse if any one is not public."""
        try:
            addresses = await self._resolve(host.strip("[]"), port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host}: no address ({error})") from error
        for address in addresses:
            check(address, self._allow_private)
        failure: Exception = httpcore.ConnectError(f"{host}: no address")
        for address in addresses:
            try:
                return await self._inner.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Refuse: a URL never names a socket of this machine."""
        raise Refused("unix sockets are not crawled")

    async def sleep(self, seconds: float) -> None:
        """Wait between two attempts to connect."""
        await asyncio.sleep(seconds)
