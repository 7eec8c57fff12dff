"""The faults of a far side that a contract asks of its upstream."""

from __future__ import annotations

from collections.abc import Mapping

BAD_TLS = "bad-tls"
FAULTS: Mapping[str, str] = {
    "refused": "nobody listens: a connection is refused",
    "reset": "a connection is reset in the middle of an answer",
    "half-open": "a connection is taken, and nothing ever comes",
    "slow": "an answer comes byte by byte, far apart",
    "truncated": "an answer ends before its end",
    "rate-limited": "429 with Retry-After: 2",
    "server-error": "every answer is 500 or 503",
    "garbage": "an answer is not what the protocol says",
    BAD_TLS: "`config()`, asked again, leads to TLS with a certificate that is not to be trusted",
}
"""What `fault(kind)` does until `fault("none")`; one that it can't do raises NotImplementedError."""

HOSTILE: Mapping[str, str] = {
    "empty": "an answer has nothing in it",
    "huge": "a value is a text of 50 MB",
    "deep": "a value is 100,000 lists, one in the other",
    "nul": "a text has the character NUL in it",
    "lone-surrogate": "a text has half of a surrogate pair in it",
    "nan": "a number is NaN",
}
"""Faults of the data: the protocol is kept, and one place of every answer, or all of it, is bad."""

PRUNE = "prune"
"""`fault("prune")`: what offsets so far point to is gone, as after a retention time."""

RETRY_AFTER_SECONDS = 2.0
