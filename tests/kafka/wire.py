"""The little of Kafka's wire protocol that a proxy has to know: frames and the heads of requests."""

from __future__ import annotations

import asyncio
from enum import IntEnum

HEAD = 4
"""Bytes of a frame's length, big-endian, before what it counts."""


class Api(IntEnum):
    """Keys of the requests that tests name (kafka.apache.org/protocol: Api Keys)."""

    PRODUCE = 0
    FETCH = 1
    LIST_OFFSETS = 2
    METADATA = 3
    FIND_COORDINATOR = 10
    API_VERSIONS = 18
    INIT_PRODUCER_ID = 22
    ADD_PARTITIONS_TO_TXN = 24
    ADD_OFFSETS_TO_TXN = 25
    END_TXN = 26
    TXN_OFFSET_COMMIT = 28


async def read_frame(reader: asyncio.StreamReader) -> bytes:
    """Return the next frame with its length, or raise IncompleteReadError at the end."""
    head = await reader.readexactly(HEAD)
    return head + await reader.readexactly(int.from_bytes(head))


def api_key(request: bytes) -> int:
    """Return what a request asks for."""
    return int.from_bytes(request[HEAD : HEAD + 2])


def request_id(request: bytes) -> int:
    """Return the correlation id of a request."""
    return int.from_bytes(request[HEAD + 4 : HEAD + 8])


def reply_id(reply: bytes) -> int:
    """Return the correlation id of the request that a reply answers."""
    return int.from_bytes(reply[HEAD : HEAD + 4])


def end_transaction_error(reply: bytes) -> int:
    """Return the error code of a reply to EndTxn up to version 2; librdkafka asks in version 1."""
    # Correlation id, then throttle_time_ms, each of four bytes, then error_code.
    return int.from_bytes(reply[HEAD + 8 : HEAD + 10], signed=True)


def produce_error(request: bytes, topic: str, code: int) -> bytes:
    """Return a reply to Produce version 9 to 11, for partition 0 of one topic, that it failed.

    Fields as in ProduceResponse.json of Kafka's sources: they are "flexible", so arrays and texts
    have their length + 1 before them in one byte, and each structure ends with its tags.
    """
    version = int.from_bytes(request[HEAD + 2 : HEAD + 4])
    assert 9 <= version <= 11, f"the client asks in version {version}"
    none, tags = b"\x00", b"\x00"
    offsets = (-1).to_bytes(8, signed=True) * 3  # base_offset, log_append_time, log_start_offset
    partition = bytes(4) + code.to_bytes(2, signed=True) + offsets + b"\x01" + none + tags
    name = topic.encode()
    topics = b"\x02" + bytes([len(name) + 1]) + name + b"\x02" + partition + tags
    body = request[HEAD + 4 : HEAD + 8] + tags + topics + bytes(4) + tags
    return len(body).to_bytes(HEAD) + body
