"""A certificate that nobody signed: what a far side shows under the fault `bad-tls`.

It is a file, because the standard library makes no certificates, and one that is the same for all
needs no package at run time. Its key is public, and guards nothing.
"""

from __future__ import annotations

import ssl
from pathlib import Path

UNTRUSTED = Path(__file__).with_name("untrusted.pem")


def untrusted() -> ssl.SSLContext:
    """Return the context of a server of 127.0.0.1 that no client may trust."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(UNTRUSTED)
    return context
