"""Retry-After: how long a server asks to be left alone."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

LONGEST = 86_400.0


def retry_after(value: str | None, *, now: float | None = None) -> float | None:
    """Return seconds, 0 to a day, from a number or an HTTP date (RFC 9110 10.2.3); None if unset."""
    if not value:
        return None
    if value.strip().isdecimal():
        return min(float(value.strip()), LONGEST)
    try:
        when = parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(0.0, when - (time.time() if now is None else now)), LONGEST)
