"""Provider: what differs from one feed to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeAlias

from pyconnect_stock_websocket.event import Bad, Event
from pyconnect_stock_websocket.redact import Redactor
from pyconnect_stock_websocket.rest import Rest
from pyconnect_stock_websocket.trade import Trade

Page: TypeAlias = list[Trade | Bad]


@dataclass(frozen=True, slots=True)
class Habits:
    """How a provider keeps a connection.

    `ping` is a text that it answers with a message, so that a quiet market is told from a mute
    server. `transport_ping` None: ping frames are unwelcome. `blocked` are handshake answers that
    mean "too often" here.
    """

    message_seconds: float
    ping: str | None = None
    ping_seconds: float = 30.0
    transport_ping: float | None = 20.0
    blocked: frozenset[int] = frozenset({418})
    blocked_seconds: float = 60.0
    confirms: bool = False
    messages_per_second: float = 4.0


class NumberedHistory(Protocol):
    """REST history of a feed whose ids have no holes."""

    async def latest(self, symbol: str) -> Trade | None:
        """Return the newest trade; None if there is none. Raises Refused, Retry."""
        ...

    async def after(self, symbol: str, first: int) -> Page:
        """Return trades from id `first` on, ascending; few or none at the end."""
        ...


@dataclass(frozen=True, slots=True)
class Window:
    """Trades of a span in the order of their ids. `complete`: it reaches back to the start asked
    for; else `trades` are the newest part."""

    trades: Page
    complete: bool


class UnorderedHistory(Protocol):
    """REST history of a feed whose ids are unique but not in order."""

    async def newest(self, symbol: str) -> Page:
        """Return one page of the newest trades, ascending. Raises Refused, Retry."""
        ...

    async def since(self, symbol: str, start_us: int, limit: int) -> Window:
        """Return the newest trades back to `start_us`, at most about `limit`."""
        ...


class Provider:
    """Speaks one provider's protocol. One object per connection; `read` is pure."""

    name: ClassVar[str]
    rest_rate: ClassVar[float] = 5.0
    numbered: NumberedHistory | None = None
    unordered: UnorderedHistory | None = None
    has_ids: bool = True
    label: str
    venue: str
    url: str
    rest_url: str
    habits: Habits

    def __init__(self) -> None:
        self.redactor = Redactor()

    async def prepare(self, rest: Rest) -> None:
        """Get ready to connect: keys, history."""

    def subscriptions(self, symbols: Sequence[str]) -> list[str]:
        """Return the messages that subscribe to the symbols."""
        raise NotImplementedError

    def read(self, frame: str | bytes) -> list[Event]:
        """Return what a frame means; empty for what is of no interest.

        Raises Retry or ConfigError when the provider says that it will not go on.
        """
        raise NotImplementedError
