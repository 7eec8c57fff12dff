"""Parses JSON from outside, with what can't be stored as a mistake of it."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from connectors_core.api.errors import Retry
from connectors_core.clients.refusal import one_line

T = TypeVar("T")


def parse(text: str | bytes, kind: type[T], what: str) -> T:
    """Return the value of JSON. Raises Retry for what is none, or not of the kind; `what` begins its
    text.

    `kind` is any type that msgspec knows: `list`, `dict[str, int]`, a TypedDict, a dataclass. NaN,
    half a surrogate pair, a number that no float can hold and nesting without end are no JSON here
    either. A field that is there twice has its last value.
    """
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError as error:
        said = f"{what} is not what was asked for: {one_line(error)}."
        raise Retry(said, code="retry.upstream") from None
    except (ValueError, RecursionError):
        raise Retry(f"{what} is not JSON.", code="retry.upstream") from None


ANYTHING: Any = Any
"""The kind that every JSON is of."""
