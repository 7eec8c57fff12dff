"""Names: any text to an Avro name and back, without loss and without collisions.

Avro allows `[A-Za-z_][A-Za-z0-9_]*` (specification 1.12, "Names"). Every other character becomes
`_x<code point in hex>_`; the underscore of text that already looks so is escaped as well.
"""

from __future__ import annotations

import re
from typing import Any

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
PRIMITIVES = frozenset(("null", "boolean", "int", "long", "float", "double", "bytes", "string"))
"""Types that have no name of their own, and whose names no other type may have."""
PROPERTY = "pyconnect.name"
"""The property of a record field that holds the name as the source gave it."""

_FOREIGN = re.compile(r"[^A-Za-z0-9_]|^[0-9]|_(?=x[0-9a-f])")
_ESCAPED = re.compile(r"_x([0-9a-f]+)_")
_EMPTY = "_x_"


def escape(text: str) -> str:
    """Return the Avro name of any text: `@timestamp` is `_x40_timestamp`. Never the same twice."""
    if text == "":
        return _EMPTY
    if text == _EMPTY:
        return "_x5f_x_"
    return _FOREIGN.sub(lambda found: f"_x{ord(found[0]):x}_", text)


def unescape(name: str) -> str:
    """Return the text that `escape` made this name of."""
    if name == _EMPTY:
        return ""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), name)


def record_name(text: str) -> str:
    """Return a full name for a record made from free text such as a topic.

    Dots part namespaces; what Avro does not allow becomes `_`. Not reversible, and need not be.
    """
    parts = [re.sub(r"[^A-Za-z0-9_]", "_", part) for part in text.split(".") if part]
    if parts and parts[-1] in PRIMITIVES:
        parts[-1] = f"_{parts[-1]}"
    return ".".join(part if NAME.fullmatch(part) else f"_{part}" for part in parts) or "record"


def original(field: dict[str, Any]) -> str:
    """Return the name under which a value holds this field."""
    return str(field.get(PROPERTY, field["name"]))
