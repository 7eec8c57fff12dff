"""The flat encoder: source code generated once for a record whose fields are all primitive.

It writes a value that fits at first sight and leaves every other one, errors included, to the
encoder that stands behind it, so that each rule has one place. Why it is not fastavro that writes
these: docs/decisions/0010-flat-records.md.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from connectors_core.api.schema_names import original
from connectors_core.avro.union import single_branch

Encode = Callable[[Any], bytes]

_SMALL_LIMIT = 4096


def zigzag(number: int) -> bytes:
    """Return a whole number of 64 bits as Avro writes it (specification 1.12, "Binary encoding").

    Seven bits a byte, the lowest first, the sign in the lowest bit of all.
    """
    left = (number << 1) ^ (number >> 63)
    written = b""
    while left > 0x3FFF:
        written += _PAIRS[left & 0x3FFF]
        left >>= 14
    if left > 0x7F:
        return written + bytes((left & 0x7F | 0x80, left >> 7))
    return written + bytes((left,))


_PAIRS = [bytes((pair & 0x7F | 0x80, pair >> 7 | 0x80)) for pair in range(1 << 14)]
_TOOLS: dict[str, Any] = {
    "big": zigzag,
    "small": [zigzag(number) for number in range(_SMALL_LIMIT)],
    "double": struct.Struct("<d").pack,
    "join": b"".join,
}
_SIZED = [
    "n = len({var})",
    f"{{var}} = (small[n] if n < {_SMALL_LIMIT} else big(n)) + {{var}}",
]
_WHOLE = f"{{var}} = small[{{var}}] if 0 <= {{var}} < {_SMALL_LIMIT} else big({{var}})"
_WRITTEN: dict[str, list[str]] = {
    "boolean": [
        r"if {var} is True: {var} = b'\1'",
        r"elif {var} is False: {var} = b'\0'",
        "else: return slow(v)",
    ],
    "int": [
        f"if type({{var}}) is not int or not {-1 << 31} <= {{var}} < {1 << 31}: return slow(v)",
        _WHOLE,
    ],
    "long": [
        f"if type({{var}}) is not int or not {-1 << 63} <= {{var}} < {1 << 63}: return slow(v)",
        _WHOLE,
    ],
    "double": ["if type({var}) is not float: return slow(v)", "{var} = double({var})"],
    "string": ["if type({var}) is not str: return slow(v)", "{var} = {var}.encode()", *_SIZED],
    "bytes": ["if type({var}) is not bytes: return slow(v)", *_SIZED],
}


def flat_encoder(definition: Any, prefix: bytes, most: int, slow: Encode) -> Encode:
    """Compile what encodes a flat record after `prefix`, in at most `most` bytes.

    Returns `slow` itself for a schema of any other kind. Both give the same bytes, and `slow`
    raises what is wrong.
    """
    if not isinstance(definition, dict) or definition["type"] != "record":
        return slow
    fields = definition["fields"]
    written = [_field(one["type"], f"a{number}") for number, one in enumerate(fields)]
    if not fields or None in written:
        return slow
    lines = [
        "def encode(v):",
        f"    if type(v) is not dict or len(v) != {len(fields)}: return slow(v)",
        "    try:",
        *(f"        a{number} = v[{original(one)!r}]" for number, one in enumerate(fields)),
        *(f"        {line}" for some in written for line in some or ()),
        "    except Exception: return slow(v)",
        f"    data = join((prefix, {', '.join(f'a{number}' for number in range(len(fields)))}))",
        f"    return data if len(data) <= {most} else slow(v)",
    ]
    tools = {**_TOOLS, "prefix": prefix, "slow": slow}
    # Built of quoted names, numbers and these templates only.
    exec("\n".join(lines), tools)  # noqa: S102
    encode: Encode = tools["encode"]
    return encode


def _field(definition: Any, var: str) -> list[str] | None:
    """Return the lines that turn `var` into its bytes; None for a type that is not primitive."""
    if not isinstance(definition, list):
        lines = _WRITTEN.get(definition) if isinstance(definition, str) else None
        return None if lines is None else [line.format(var=var) for line in lines]
    only = single_branch(definition)
    lines = None if only is None else _field(only, var)
    if lines is None:
        return None
    null = definition.index("null")
    return [
        f"if {var} is None: {var} = {zigzag(null)!r}",
        "else:",
        *(f"    {line}" for line in lines),
        f"    {var} = {zigzag(1 - null)!r} + {var}",
    ]
