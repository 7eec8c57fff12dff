"""The one spelling of a URL: the WHATWG URL Standard, without its fragment."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import ada_url

MAX_URL = 2083
_PORTS = {"http:": 80, "https:": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """A canonical URL in parts. `host` has the port unless it is the scheme's own; `target` is
    what is sent to the server; `origin` is what a robots.txt is for (RFC 9309 2.3)."""

    url: str
    scheme: str
    host: str
    name: str
    port: int
    target: str

    @property
    def origin(self) -> str:
        """Return scheme, host and port: `https://example.com`."""
        return f"{self.scheme}://{self.host}"


def canonical(text: str, base: str | None = None) -> str | None:
    """Return the canonical form of an http or https URL, None for all else.

    None too for what is longer than 2083 characters, and for a URL with a user name or a password,
    which would end up in records.
    """
    if len(text) > MAX_URL * 2:
        return None
    try:
        url = ada_url.URL(text, base)
    except ValueError:
        return None
    if url.protocol not in _PORTS or url.username or url.password:
        return None
    url.hash = ""
    href = str(url.href)
    return href if len(href) <= MAX_URL else None


def split(url: str) -> Address:
    """Cut a canonical URL into its parts. Raises ValueError if it is none."""
    parts = ada_url.URL(url)
    scheme = str(parts.protocol)
    port = int(parts.port) if parts.port else _PORTS[scheme]
    target = f"{parts.pathname}{parts.search}"
    return Address(url, scheme[:-1], str(parts.host), str(parts.hostname), port, target)


def digest(url: str) -> str:
    """Return the name of a URL in keyed state: 128 bits of SHA-256 in hex."""
    return hashlib.sha256(url.encode()).hexdigest()[:32]
