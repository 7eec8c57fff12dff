#!/usr/bin/env python3
"""Makes the id of a Kafka cluster, or says what is wrong with one.

Usage: cluster_id.py new
       cluster_id.py check ID

An id is a UUID: 16 bytes, base64 for URLs without padding, 22 characters, as `kafka-storage.sh
random-uuid` writes it. Needs nothing but Python 3.
"""

from __future__ import annotations

import base64
import re
import sys
import uuid

LENGTH = 22
RESERVED = 100
"""Kafka keeps the first UUIDs for itself, for topics and directories of its own."""

_STRANGE = re.compile(r"[^A-Za-z0-9_-]")
_HEX = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def encode(value: uuid.UUID) -> str:
    """Return a UUID as Kafka writes it."""
    return base64.urlsafe_b64encode(value.bytes).decode("ascii").rstrip("=")


def decode(text: str) -> uuid.UUID:
    """Return the UUID of an id of 22 characters."""
    return uuid.UUID(bytes=base64.urlsafe_b64decode(text + "=="))


def new() -> str:
    """Return a new id; never one that a command line would take for an option."""
    while True:
        text = encode(uuid.uuid4())
        if fault(text) is None:
            return text


def fault(text: str) -> str | None:
    """Say what is wrong with an id, and what to write instead; None if nothing is."""
    if not text:
        return "it is empty. Write what `cluster_id.py new` prints."
    if text != text.strip():
        return f"it has blanks around it. Write {text.strip()!r}."
    if _HEX.fullmatch(text):
        return f"it is a UUID in hexadecimal. In base64 it is {encode(uuid.UUID(text))}"
    if text.endswith("="):
        return "it has padding. Leave out `=` at its end."
    if "+" in text or "/" in text:
        cure = text.replace("+", "-").replace("/", "_")
        return f"it is base64, but not that for URLs. Write {cure}"
    return _strange(text) or _no_uuid(text)


def _strange(text: str) -> str | None:
    if found := _STRANGE.search(text):
        return (
            f"{found[0]!r}, its character {found.start() + 1}, is none of base64 for URLs, which "
            "has A-Z, a-z, 0-9, - and _."
        )
    return None


def _no_uuid(text: str) -> str | None:
    if len(text) != LENGTH:
        return f"it has {len(text)} characters. A UUID has {LENGTH}, for 16 bytes."
    value = decode(text)
    if encode(value) != text:
        return f"its last character has bits of no byte. Write {encode(value)}"
    if text.startswith("-"):
        return "it begins with `-`: command lines take it for an option. Make another."
    if value.int < RESERVED:
        return f"Kafka keeps the first {RESERVED} UUIDs for itself. Make another."
    return None


def main(words: list[str]) -> int:
    """Do what the command line says; return the exit code."""
    if words == ["new"]:
        sys.stdout.write(f"{new()}\n")
        return 0
    if len(words) != 2 or words[0] != "check":
        sys.stderr.write(__doc__ or "")
        return 2
    found = fault(words[1])
    if found:
        sys.stderr.write(f"{words[1]}: {found}\n")
        return 2
    sys.stdout.write(f"{words[1]}: a valid id, the UUID {decode(words[1])}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
