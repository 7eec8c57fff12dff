"""Follows Bluesky Jetstream v1: https://github.com/bluesky-social/jetstream (README, Consuming).

The cursor is inclusive and delivery at-least-once; an old cursor is clamped in silence. What makes
exact counts of that is in `ledger`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlencode

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from connectors_core import Batch, Offset, Partition, Reject, Retry, Source, every, merge
from pyconnect_keyword_trends.config import TrendsConfig
from pyconnect_keyword_trends.event import COLLECTION, FrameError, clean, digest, parse
from pyconnect_keyword_trends.ledger import Ledger
from pyconnect_keyword_trends.retry import retry_after

TICK = 0.25
EVENTS = 200
MUTE = 60.0
LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class _Lost:
    """The connection is gone, and how to go on."""

    retry: Retry


def address(config: TrendsConfig, cursor: int | None) -> str:
    """Return the URL that asks for what came after `cursor`, rewound over the seam of a replay."""
    query = {"wantedCollections": COLLECTION}
    if cursor is not None:
        query["cursor"] = str(max(1, cursor - config.rewind_us))
    return f"{config.url('ws')}/subscribe?{urlencode(query)}"


async def follow(
    source: Source[TrendsConfig], partition: Partition, offset: Offset | None
) -> AsyncGenerator[Batch | Reject]:
    """Give Batches, at most one every 200 events or 250 ms, until the connection is lost.

    Raises Retry then; also after 60 s without a frame.
    """
    ledger = Ledger(source.config, source.context.state(partition), offset, _wall())
    for batch in ledger.batches(_wall()):
        yield batch
    quiet = _Quiet()
    async with merge(_listen(source.config, ledger.cursor), every(TICK)) as items:
        waiting = 0
        async for item in items:
            if isinstance(item, (str, bytes)):
                quiet.heard()
                waiting += 1
                try:
                    ledger.add(parse(item))
                except FrameError as error:
                    for unit in _reject(ledger, item, str(error)):
                        yield unit
                if waiting < EVENTS and not ledger.full:
                    continue
            elif item is None:
                ledger.idle(quiet.tick())
            lost = item if isinstance(item, _Lost) else quiet.lost()
            for batch in ledger.batches(_wall(), force=lost is not None):
                yield batch
            if waiting or lost:
                source.context.report(partition, **ledger.facts, newest_us=ledger.cursor)
            waiting = 0
            if lost is not None:
                raise lost.retry


def _reject(ledger: Ledger, frame: str | bytes, reason: str) -> list[Batch | Reject]:
    """Return what is stored for a frame that can't be read: all before it, then itself, once."""
    raw = frame.encode("utf-8", "surrogatepass") if isinstance(frame, str) else frame
    units: list[Batch | Reject] = list(ledger.batches(_wall()))
    place = ledger.bad(digest(raw.decode("latin-1")))
    return units if place is None else [*units, Reject(f"jetstream: {reason}", raw, place)]


async def _listen(config: TrendsConfig, cursor: int | None) -> AsyncIterator[str | bytes | _Lost]:
    """Give the frames of one connection, and last of all why it is lost."""
    try:
        async with connect(
            address(config, cursor),
            max_size=LARGEST,
            open_timeout=config.timeout / 1000,
            ping_interval=20,
            ping_timeout=20,
            # Frames that wait unread keep the answer to our Close away: a stop waits all of this.
            close_timeout=0.25,
            compression=None,
            proxy=None,
            user_agent_header="pyconnect-keyword-trends",
        ) as socket:
            while True:
                yield await socket.recv()
    except InvalidStatus as error:
        status = error.response.status_code
        after = retry_after(error.response.headers.get("Retry-After"))
        yield _Lost(_http(status, after))
    except ConnectionClosed as error:
        yield _Lost(Retry(f"jetstream: {_closed(error)}", code="retry.closed"))
    except (OSError, TimeoutError, WebSocketException) as error:
        what = clean(str(error)) or type(error).__name__
        yield _Lost(Retry(f"jetstream: can't connect: {what}", code="retry.network"))


def _http(status: int, after: float | None) -> Retry:
    cure = " Check base_url." if 400 <= status < 500 and status not in (408, 425, 429) else ""
    return Retry(
        f"jetstream: HTTP {status} instead of a WebSocket.{cure}",
        after=after,
        code=f"retry.http-{status}",
    )


def _closed(error: ConnectionClosed) -> str:
    if error.sent is not None and error.sent.code == 1009 and not error.rcvd_then_sent:
        return "a frame is larger than 1 MiB"
    return f"closed: {clean(str(error))}"


class _Quiet:
    """How long a connection was silent, counted in ticks that were really taken.

    Not by the difference of two clock readings: while the store makes the source wait, frames wait
    as well, and that is no silence.
    """

    def __init__(self) -> None:
        self._last = asyncio.get_running_loop().time()
        self._silent = 0.0

    def heard(self) -> None:
        """Note a frame."""
        self._silent = 0.0

    def tick(self) -> int:
        """Return the us of silence since the last tick."""
        now = asyncio.get_running_loop().time()
        passed = min(now - self._last, 2 * TICK)
        self._last = now
        self._silent += passed
        return round(passed * 1e6)

    def lost(self) -> _Lost | None:
        """Say that the connection is mute, once it is: a dead one can look open for hours."""
        if self._silent < MUTE:
            return None
        return _Lost(Retry(f"jetstream: no frame for {MUTE:.0f} s", code="retry.mute"))


def _wall() -> int:
    return time.time_ns() // 1_000_000
