"""What a Jetstream v1 frame says, or why it can't be read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

# Below 1e15 a number is a v2 sequence, not microseconds; above is past the year 9999.
FIRST_US = 10**15
LAST_US = 253_402_300_800_000_000
COLLECTION = "app.bsky.feed.post"


class FrameError(ValueError):
    """A frame that is not a Jetstream v1 event; its text says why."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event of the stream. `us` is the server's witness time, us since the epoch.

    Never `createdAt`: that is the author's clock, and 1970 and 2031 are common. `text` is None
    unless the event is a new post.
    """

    us: int
    author: str = ""
    id: str = ""
    mark: str = ""
    text: str | None = None


def digest(*parts: str) -> str:
    """Return 16 hex characters that stand for `parts` in keyed state."""
    joined = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(joined, digest_size=8).hexdigest()


def clean(text: str) -> str:
    """Return the text with halves of surrogate pairs as U+FFFD, which is what JSON can hold."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def parse(frame: str | bytes) -> Event:
    """Read one frame. Raises FrameError if the cursor can't be told from it.

    A post that is odd in itself (no text, text that is a number) is an Event without a text: anyone
    can publish one, and nobody but the server can send a frame without a time.
    """
    if isinstance(frame, bytes):
        raise FrameError("a binary frame, where Jetstream v1 without compression sends text")
    try:
        message: Any = json.loads(frame)
    except (ValueError, RecursionError) as error:
        raise FrameError(f"not JSON: {error}") from error
    if not isinstance(message, dict):
        raise FrameError(f"a JSON {type(message).__name__}, not an object")
    us = message.get("time_us")
    if type(us) is not int or not FIRST_US <= us < LAST_US:
        v2 = ": this is a v2 frame, base_url must name a v1 server" if "$type" in message else ""
        raise FrameError(f"time_us is not a time in microseconds{v2}")
    return _post(us, message) or Event(us)


def _post(us: int, message: dict[str, Any]) -> Event | None:
    commit = message.get("commit")
    if message.get("kind") != "commit" or not isinstance(commit, dict):
        return None
    if commit.get("operation") != "create" or commit.get("collection") != COLLECTION:
        return None
    record = commit.get("record")
    text = record.get("text") if isinstance(record, dict) else None
    parts = [message.get("did"), commit.get("rev"), commit.get("rkey")]
    if not isinstance(text, str) or not all(isinstance(part, str) for part in parts):
        return None
    did, rev, rkey = map(str, parts)
    mark = digest(did, rev, COLLECTION, rkey, "create")
    return Event(us, did, f"at://{did}/{COLLECTION}/{rkey}", mark, text)
