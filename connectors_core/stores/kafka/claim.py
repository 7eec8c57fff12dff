"""Claims: who says that a connector is his, in a compacted topic.

Safety rests on the transactions alone. A claim only tells a producer that was fenced, or may have
been, whether to go on with a new epoch or to yield; without it two workers would fence each other
for ever.
"""

from __future__ import annotations

import json
import os
import socket
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields

from connectors_core.api.errors import FencedError
from connectors_core.stores.kafka.publisher import Publisher
from connectors_core.stores.kafka.table import Table


@dataclass(frozen=True, slots=True)
class Claim:
    """What an owner says of itself; every claim has an `id` of its own.

    `topics` are the ids of the topics that resuming rests on. One of another id was made anew: what
    it held is gone, and its emptiness says nothing.
    """

    id: str
    host: str
    pid: int
    since: str
    topics: Mapping[str, str]
    fences: bool
    """Whether the cluster refuses an older owner; else that one looks at the claims by itself."""

    @classmethod
    def new(cls, topics: Mapping[str, str], fences: bool) -> Claim:
        """Make a claim of this process that no other equals."""
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return cls(uuid.uuid4().hex, socket.gethostname(), os.getpid(), since, topics, fences)

    @classmethod
    def decoded(cls, value: bytes) -> Claim | None:
        """Return the claim of a record's value; None for what is no claim."""
        try:
            found = json.loads(value)
            return cls(**{each.name: found[each.name] for each in fields(cls)})
        except (ValueError, KeyError, TypeError):
            return None

    def encoded(self) -> bytes:
        """Return its JSON."""
        return json.dumps(asdict(self) | {"topics": dict(self.topics)}).encode()

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since}"


class Claims:
    """Makes claims and asks whether they still hold. Blocking; any thread.

    They are kept by `slot_name`: connectors of one name with offsets in different topics have nothing
    to do with each other, though they share a topic for claims.
    """

    def __init__(self, publisher: Publisher, table: Table, slot_name: Callable[[str], str]) -> None:
        self._publisher = publisher
        self._table = table
        self._slot_name = slot_name

    def newest(self, connector: str) -> Claim | None:
        """Return who has claimed the connector last."""
        self._table.catch_up()
        return Claim.decoded(self._table.group(self._slot_name(connector)).get("", b""))

    def make(self, connector: str, claim: Claim) -> None:
        """Claim a connector; returns when it is durable."""
        self._publisher.publish(self._slot_name(connector).encode(), claim.encoded())

    def check(self, connector: str, claim: Claim) -> None:
        """Raise FencedError if somebody has claimed the connector after this claim."""
        newest = self.newest(connector)
        if newest is not None and newest.id == claim.id:
            return
        raise FencedError(
            f"was taken over by {newest or 'another worker'}; this one stops and commits"
            " nothing more. A connector's name is its identity on a cluster: rename one of the two,"
            f" or stop the other and start this one again (pyconnect restart {connector}, or the"
            " worker if it has ended).",
            code="fenced.claim",
            place=connector,
        )

    def close(self) -> None:
        """Let go of connections. Idempotent."""
        self._publisher.close()


def split_key(key: bytes | None) -> tuple[str, str] | None:
    """Return the slot of a claim's key."""
    try:
        return None if key is None else (key.decode(), "")
    except UnicodeDecodeError:
        return None
