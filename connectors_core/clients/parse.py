"""Parses JSON from outside, with what can't be stored as a mistake of it."""

from __future__ import annotations

from typing import Any

import msgspec

from connectors_core.api.errors import Retry


def parse(text: str | bytes, what: str) -> Any:
    """Return the value of JSON. Raises Retry for what is none; `what` begins its text.

    NaN, half a surrogate pair, a number that no float can hold and nesting without end are no JSON
    here either. A field that is there twice has its last value.
    """
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError):
        raise Retry(f"{what} is not JSON.", code="retry.upstream") from None
