"""The addresses of a cluster: `HOST:PORT`, with commas between them."""

from __future__ import annotations

import re
from ipaddress import IPv6Address

_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]+):(?P<port>[0-9]{1,5})")
_TAKES = "An address is HOST:PORT, as in kafka-1:9092,kafka-2:9092."


class AddressError(ValueError):
    """An address that can't be used; the text has the fault and the cure."""


def addresses(text: str) -> str:
    """Return the addresses without spaces. Raises AddressError."""
    parts = [part.strip() for part in text.split(",")]
    if not any(parts):
        raise AddressError(f"has no address. {_TAKES}")
    for part in parts:
        _check(part)
    return ",".join(parts)


def _check(part: str) -> None:
    if not part:
        raise AddressError(f"has an empty address, a comma too many. {_TAKES}")
    if "@" in part:
        # What stands before it may be a password.
        raise AddressError(
            "an address has no user in it. Write sasl.username and sasl.password as properties."
        )
    if "://" in part:
        bare = part.partition("://")[2].rstrip("/")
        raise AddressError(
            f"{part!r} has a protocol in it. Write {bare}, and the protocol as security.protocol."
        )
    found = _ADDRESS.fullmatch(part)
    if found is None:
        raise AddressError(_fault(part))
    if not 1 <= int(found["port"]) <= 65535:
        raise AddressError(f"{part!r}: a port is a number from 1 to 65535.")
    if found["host"].startswith("[") and not _is_ipv6(found["host"][1:-1]):
        raise AddressError(f"{part!r}: what is in brackets is no IPv6 address. {_TAKES}")


def _fault(part: str) -> str:
    # `::1:9092` is an IPv6 address as a whole, too, but hardly ever meant as one.
    host, _, port = part.rpartition(":")
    if _is_ipv6(host) or _is_ipv6(part):
        host, port = (host, port) if _is_ipv6(host) else (part, "9092")
        return f"{part!r}: an IPv6 address is written in brackets. Write [{host}]:{port}."
    if re.fullmatch(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.%]+\]", part):
        return f"{part!r} has no port. Write {part}:9092, if the brokers listen there."
    return f"{part!r} is no address. {_TAKES}"


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True
