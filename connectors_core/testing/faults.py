"""The faults of a far side that a contract asks of its upstream."""

from __future__ import annotations

from collections.abc import Mapping

FAULTS: Mapping[str, str] = {
    "refused": "nobody listens: a connection is refused",
    "reset": "a connection is reset in the middle of an answer",
    "half-open": "a connection is taken, and nothing ever comes",
    "slow": "an answer comes byte by byte, far apart",
    "truncated": "an answer ends before its end",
    "rate-limited": "429 with Retry-After: 2",
    "server-error": "every answer is 500 or 503",
    "bad-tls": "the certificate is not to be trusted",
    "garbage": "an answer is not what the protocol says",
}
"""What `fault(kind)` does until `fault("none")`; one that it can't do raises NotImplementedError."""

PRUNE = "prune"
"""`fault("prune")`: what offsets so far point to is gone, as after a retention time."""

RETRY_AFTER_SECONDS = 2.0
